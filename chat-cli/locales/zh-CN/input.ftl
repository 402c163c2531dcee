### 一行输入中的错误。供脚本使用的代码见 docs/JSON.md。

input-unknown-command = 没有命令 { $typed }；{ $advice }（以 // 开头可以发送以斜杠开头的内容）
did-you-mean = 是不是想输入 { $suggestion }？
help-lists-commands = 用 /help 查看所有命令
input-usage = 用法：{ $usage }
input-json = 这一行不是所要求的 JSON 对象：{ $detail }；请写成 {"{"}"to":"everyone","text":"..."{"}"}
input-json-no-object = 它不是以 {"{"} 开头
input-not-utf8 = 这一行不是 UTF-8 编码；请改用 UTF-8
input-line-too-long = 这一行超过 { $max } 字节，已跳过；请分几次发送
input-terminal-line-too-long = 这一行没有发送：没有行编辑功能的终端一行最多传递 { $max } 字节；请分几次发送，或从文件发送
input-unknown-recipient = 没有名叫 { $user } 的人在线；{ $advice }
who-lists-users = 用 /who 查看在线的人
input-to-oneself = 不能给自己发消息；请指定别的用户
input-queue-full = 等待送达的消息太多；请稍后再试
input-session-over = 会话已结束；无法再发送
input-password-not-changed = 密码没有修改：{ $reason }
input-password-uncertain = 密码可能已修改，也可能没有：{ $reason }
input-typed-ahead = 在输入密码之前键入的一行没有发送，因为它可能是密码；请重新输入
input-broken = 无法继续读取输入：{ $detail }
input-no-terminal = 密码必须在终端上输入，而这里没有终端
