### 可能使任一程序结束的错误。

interrupted = 已中断
output-failed = 无法写入输出：{ $detail }
asking-failed = 询问失败：{ $detail }
thread-refused = 无法启动线程：{ $detail }
threads-missing = 系统限制了线程数，程序无法启动所需的全部线程
runtime-refused = 无法启动程序的运行环境：{ $detail }
hint-threads = 请提高进程和线程的上限：`ulimit -u`、systemd 服务的 TasksMax、容器的 --pids-limit
signals-refused = 无法处理信号：{ $detail }
no-home = 没有用来保存数据的主目录
hint-no-home = 请用 { $option } 指定一个目录
variable-unusable = 无法使用 { $variable }：{ $reason }

## 密码和邀请码

password-missing = 没有提供密码，也没有可以输入密码的终端
hint-password = 请使用 --password-file 文件，或环境变量 { $variable }
password-file-unreadable = 无法读取密码文件 { $file }：{ $reason }
password-file-unusable = 无法使用密码文件 { $file }：{ $reason }
password-not-typed = 没有输入密码：{ $detail }
password-attempts = 试了 { $attempts } 次仍没有可用的密码：{ $reason }
invitation-file-unusable = 无法使用邀请码文件 { $file }：{ $reason }

## 文本文件，在冒号之后

file-not-utf8 = 它不是 UTF-8 编码
file-too-large = 它大于 { $max } 字节
file-line-too-long = 它的第一行超过 { $max } 字节

## 路径，在冒号之后

path-is-device = Windows 把这个名称保留给设备；请换一个名称

## 配置文件

config-unreadable = 无法读取配置文件 { $file }：{ $reason }
config-problem = { $file } 第 { $line } 行：{ $problem }
config-key-problem = { $key }：{ $problem }
config-unknown-key = 没有名为“{ $key }”的项
hint-config-keys = 可用的项有 { $keys }
config-misplaced-roster = 这里有含密码的名单 URL，它只能写在 roster 一项里
hint-config-roster = 请写成 roster = "URL"，带引号
config-misplaced-url = 这里有含密码的数据库 URL，它只能写在 database 一项里
hint-config-database = 请写成 database = "URL"，带引号
config-empty-path = 路径为空；请写一个路径，或去掉这一项
