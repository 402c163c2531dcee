### 会话中的命令：帮助，以及它们的回答。

## 帮助

help-intro = 直接输入一行就发给所有人；以 // 开头可以发送以斜杠开头的内容
help-messages = 消息
help-people = 用户
help-program = 本程序
command-msg = /msg 名字 内容
command-msg-effect = 私聊，只发给一个人
command-reply = /r 内容
command-reply-effect = 回复最近一条私聊消息
command-to = /to 名字
command-to-effect = 让直接输入的行只发给这个人；/to everyone 恢复群发
command-me = /me 内容
command-me-effect = 说你在做什么：/me 挥挥手
command-info-effect = 查看谁收到了你的上一条消息，谁没有
command-resend-effect = 把你的上一条消息重新发给发送失败的人
command-who-effect = 查看在线的人
command-ignore = /ignore 名字
command-ignore-effect = 拒收这个人的消息，直到你下线；不带名字则列出这些人
command-unignore = /unignore 名字
command-unignore-effect = 恢复接收这个人的消息
command-passwd-effect = 修改密码
command-clear-effect = 清屏
command-help-effect = 显示本帮助
command-offline-effect = 等待尚未确定的结果，然后下线并退出程序
command-quit-effect = 与 /offline 相同

## 直接输入的行发给谁

notice-lines-to-everyone = 直接输入的行发给所有人
notice-lines-to-user = 直接输入的行只发给 { $user }；用 /to everyone 恢复群发
notice-lines-to-absent = 直接输入的行只发给 { $user }，但对方现在不在线；用 /to everyone 恢复群发
input-recipient-offline = { $user } 不在线，这一行没有发给任何人；用 /to everyone 恢复群发
input-nothing-to-answer = 还没有收到可以用 /r 回复的私聊消息；请输入“/msg 名字 内容”

## 上一条消息

info-message = { $message }，{ $time }，发给：{ $recipient }
info-delivered = 已送达：{ $users }
info-failed = 失败：{ $users }
info-unconfirmed = 未确认，可能收到也可能没收到：{ $users }
info-outstanding = 尚未确定：{ $users }
notice-resent = { $message }：{ $parts }
resent-to = 已用私聊重新发给 { $users }
resent-not = 没有发给 { $users }：不在线，或等待送达的消息太多
resent-unconfirmed = 没有发给 { $users }：对方可能已经收到
part-separator = ；
input-nothing-sent = 你还没有发送过消息
input-nothing-to-resend = 你的上一条消息没有发送失败的接收者，因此不重新发送；用 /info 查看谁收到了

## 被忽略的用户

notice-ignored = 在你下线或输入 /unignore { $user } 之前，拒收 { $user } 的消息；对方会看到发送失败
notice-not-ignored = 已恢复接收 { $user } 的消息
notice-ignored-users = 拒收这些用户的消息：{ $users }
notice-ignored-nobody = 没有拒收任何用户的消息
input-not-ignored = 没有拒收 { $user } 的消息；用 /ignore 查看拒收了哪些用户的消息
input-ignore-oneself = 不能拒收自己的消息；请指定别的用户
input-ignored-full = 最多可以拒收 { $max } 个用户的消息；用“/unignore 名字”腾出位置

## 终端

input-no-screen = 无法清屏：这里没有带行编辑功能的终端
completion-more = 另有 { $more } 个

## 历史

history-unusable = 输入的内容不会记录在 { $file } 里：{ $reason }；用 --history 文件 指定别的文件，--history none 表示不记录
history-not-a-file = 它不是普通文件
history-foreign = 它的内容不是历史记录，未作改动
