### `--help` 的框架，以及参数里的错误。

language-name = 简体中文

## 帮助里的标题、占位符和选项

help-usage = 用法：
help-commands = 命令
help-options = 选项
help-arguments = 参数
help-possible-values = 可选值：
help-print = 显示帮助（用 -h 显示摘要）
help-version = 显示版本
help-command = 显示本帮助，或某个命令的帮助
command-completions = 打印一段脚本，使 shell 能补全本程序的命令和选项
command-man = 把本程序的手册页写入一个目录，每个命令一页
option-shell = 使用这段脚本的 shell
option-folder = 目录，必须已存在
option-lang = 消息和帮助的语言 [默认：按系统区域设置]
help-environment = [环境变量：{ $variable }]
help-short-values = [可选值：{ $values }]
placeholder-command = 命令
placeholder-options = [选项]
placeholder-file = 文件
placeholder-server = 主机:端口
placeholder-name = 名字
placeholder-bind-address = IP:端口
placeholder-advertised-address = IP[:端口]
placeholder-hex = 十六进制
placeholder-format = 格式
placeholder-language = 语言
placeholder-when = 何时
placeholder-mode = 方式
placeholder-file-or-none = 文件|none
placeholder-shell = SHELL
placeholder-dir = 目录
value-text = 供人阅读
value-auto = 在能显示颜色的终端上，除非设置了 NO_COLOR
value-always = 总是
value-never = 从不
value-direct = 只在两台机器之间直接传送
value-reach-auto = 能直接传送就直接传送，否则加密后经服务器中转
value-relay = 只经服务器中转（仍然加密），这样谁也看不到你的地址
value-json = 每行一个 JSON 对象，供脚本使用
value-en = 英文
value-zh-cn = 简体中文

## 错误

arguments-value = “{ $option }”的值“{ $value }”无效
arguments-value-because = “{ $option }”的值“{ $value }”无效：{ $reason }
arguments-no-value = “{ $option }”需要一个值
arguments-no-equal-sign = “{ $option }”的值前面要有等号
arguments-unexpected = 无法识别的参数“{ $argument }”
arguments-unexpected-value = “{ $option }”有多余的值“{ $value }”
arguments-unknown-command = 没有命令“{ $command }”
arguments-no-command = “{ $command }”后面还需要一个命令
arguments-conflict = “{ $option }”不能与“{ $other }”一起使用
arguments-twice = “{ $option }”只能使用一次
arguments-missing = 缺少必需的参数：{ $options }
arguments-not-utf8 = 有一个参数不是 UTF-8 编码
hint-see-help = 用 --help 查看更多信息
