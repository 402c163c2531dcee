### chat-desktop 的窗口。

## 标题、按钮和输入框

window-title = 聊天
window-title-user = { $user } · 聊天
window-about = 窗口里的聊天程序，与 chat-client 共用配置文件、已知的服务器和上次的登录。
window-log-in = 登录
window-register = 注册
window-new-account = 注册新账号…
window-have-account = 已有账号，去登录
window-server = 服务器
window-server-hint = 主机、主机:端口，或邀请
window-known-servers = 已知的服务器
window-user = 用户名
window-password = 密码
window-password-again = 再输一次密码
window-invitation = 邀请码
window-invitation-hint = 服务器要求时填写
window-show-password = 显示密码（Alt+F8）
window-more = 网络设置
window-own-address = 本机地址
window-own-address-hint = 自动，或 IP 地址
window-own-address-wrong = “{ $typed }”不是 IP 地址；可以留空，或填写 192.168.1.5 这样的地址
window-own-port = 本机端口
window-own-port-hint = 自动
window-advertised = 对外地址
window-advertised-hint = 自动，或 IP[:端口]
window-reach = 消息怎么走
window-reach-auto = 直接传送，无法直连时经服务器中转
window-reach-direct = 只直接传送
window-reach-relay = 只经服务器中转，不让别人知道你的地址
window-no-relay-hidden = 这台服务器不提供中转，因此选“只经服务器中转”时无法收发任何消息；请询问管理员，或者下线后在“网络设置”里改选另一种方式（别人会看到你的地址）
window-peer-no-address = 本机无法到达 { $user } 的任何地址，服务器也没有在双方之间中转，因此发给 { $user } 的消息都会失败；{ $user } 可以在登录前在“网络设置”里指定一个地址
window-server-trust = 指纹或证书
window-server-trust-hint = 询问我，或填指纹，或 CA 证书文件
window-server-trust-wrong = 这既不是指纹（64 位十六进制数字），也不是证书文件的路径
window-connecting = 正在连接 { $server }…
window-cancel = 取消
window-wait = { $seconds } 秒后可重试
window-copy = 复制
window-back = 返回
window-close = 关闭
window-clear = 清除
window-help = 帮助
window-key-send = 发送
window-key-break = 换行
window-key-last = 在空输入框里取回上一条内容
window-key-mention = 写给所有人时，补全 @ 后面的名字
window-key-find = 找人
window-key-unread = 打开下一个有新消息的会话
window-key-close = 关闭侧栏
window-key-zoom = 放大、缩小或恢复文字大小
window-key-help = 打开或关闭帮助
window-key-move = 在输入框、按钮和消息之间移动
window-key-copy = 复制选中的内容，或获得焦点的消息
window-help-marks = 自己消息的标记
window-mark-means-failed = 确定没有送达
window-mark-means-unconfirmed = 未确认：可能送达，也可能没有
window-help-marks-more = 点击标记可以查看谁收到了。
window-help-composing = 在 X11 上，Fcitx 会在输入框旁边自己的小窗口里显示正在输入的拼音。
window-settings = 设置
window-language = 语言
window-attention = 窗口不在前台时的提醒
window-attention-all = 所有消息
window-attention-private = 只限私聊
window-attention-none = 不提醒
window-theme = 配色
window-theme-system = 跟随系统
window-theme-light = 浅色
window-theme-dark = 深色
window-text-size = 文字大小
window-smaller = 缩小文字
window-larger = 放大文字
window-send-key = 发送
window-send-key-enter = Enter 发送，Shift+Enter 换行
window-send-key-control = Ctrl+Enter 发送，Enter 换行
window-change-password = 修改密码
window-old-password = 现在的密码
window-new-password = 新密码
window-not-saved = 设置没有保存：{ $reason }
window-no-known-servers = 还没有
window-forget = 忘记
window-forget-server = 忘记 { $server }
window-forget-explained = 忘记之后，下次登录前会再次显示它的指纹。
window-addresses = 地址
window-address-of-server = 服务器：{ $server }
window-addresses-own = 发给你的消息到达 { $addresses }（UDP）
window-log-file = 日志文件
window-log-file-explained = 记录本程序的警告和错误。出问题时，可以把它发给帮助你的人。其中没有消息内容。
window-no-log-file = 没有日志文件，因为无法写入；日志在标准错误输出里。
window-notices = 通知
window-no-notices = 没有通知
window-notices-count = 通知 · { $count }

## 服务器的密钥

window-first-meeting = 第一次连接 { $server }
window-compare = 请把这个指纹与服务器管理员给你的核对（服务器窗口里就能看到，也可以运行“chat-server fingerprint”查看）。如果不一致，说明中间有人想窃取你的密码。
window-same = 一致，记住它
window-different = 不一致，断开
window-key-changed = { $server } 的密钥变了
window-key-was = 原来的指纹
window-key-is = 现在的指纹
window-key-advice = 要么是管理员换了密钥，要么有人在截取连接。没有向它发送任何内容。请询问管理员；只有密钥确实是管理员换的，才忘记旧指纹并核对新的。
window-forget-key = 忘记旧指纹

## 人和会话

window-everyone = 所有人
window-everyone-online = 所有人 · { $count } 人在线
window-online = 在线 · { $count }
window-offline = 已下线
window-search = 找人
window-nobody-found = 没有包含“{ $typed }”的名字
window-write-everyone = 写给所有人
window-write-user = 写给 { $user }
window-send = 发送
window-bytes = { $bytes } / { $max } 字节
window-binary = { $bytes } 字节的非文字内容
window-user-absent = { $user } 不在线，现在发送没有人收到。写好的内容会留在这里。
window-removed = 已去掉 { $count } 个控制字符，因为消息里不能有它们。
window-file-refused = 不能发送文件。这里只能拖入不超过 { $max } 字节的文本文件，取用其中的文字。
window-file-unread = 无法读取 { $name }：{ $reason }
window-drop-here = 松开鼠标，取用文本文件里的文字。
window-complete = 按 Tab 补全名字
window-older-gone = 更早的消息没有保留
window-new-lines = 新消息
window-day = { $year } 年 { $month } 月 { $day } 日
window-empty-everyone = 还没有消息。写在这里的内容会发给所有在线的人。
window-empty-user = 还没有消息。写在这里的内容只发给 { $user }。
window-nobody-else = 还没有别人在线。登录 { $server } 的人会出现在这里。
window-spoken-line = { $name }，{ $time }：{ $text }
window-copy-text = 复制文字
window-open-link = 打开 { $link }
window-copy-line = 连同名字和时间复制
window-below = 下面有 { $count } 条新消息
window-unread = { $name }，{ $count } 条未读
window-silent = { $name }，没有应答
window-absent = { $name }，已下线
window-not-answering = 没有应答
window-way-direct = 直连
window-way-direct-time = 直连 · { $time } 毫秒
window-way-relayed = 经服务器中转
window-way-relayed-time = 经服务器中转 · { $time } 毫秒
window-way-direct-explained = 消息在两台机器之间直接传送。时间是往返时间。
window-way-relayed-explained = 无法直接连通，消息经服务器中转，仍然加密。时间是往返时间。
window-go-away = 暂时离开…
window-away = 暂时离开
window-away-explained = 别人会看到你暂时离开和这段说明。他们的消息仍会收到。
window-away-text = 说明（可以不填）
window-away-hint = 三点回来
window-set-away = 我暂时离开
window-change-away = 更改说明
window-be-back = 我回来了

## 自己的消息的结果

window-mark-waiting = 正在送达
window-mark-delivered = 已送达
window-mark-delivered-of = { $delivered }/{ $all } 已送达
window-mark-failed = 没有送达：{ $reason }
window-mark-unconfirmed = 未确认，可能送达也可能没有：{ $reason }
window-mark-not-sent = 没有发送：{ $reason }
window-mark-nobody-there = 当时没有别人在线
window-mark-sent-again = 已再次发给没收到的人
window-outcomes = 送达情况
window-show-outcomes = { $mark }；查看谁收到了
window-send-again = 单独再发给没收到的 { $count } 人
window-and-more = 另有 { $count } 人

## 连接和会话的结束

window-reconnecting = 与服务器的连接断了，{ $seconds } 秒后重试。人与人之间的消息仍能送达。
window-reconnecting-now = 与服务器的连接断了，正在重新连接… 人与人之间的消息仍能送达。
window-retry-now = 现在重试
window-other-key = { $server } 出示的密钥与以前不同，所以没有向它发送任何内容。请询问管理员；如果密钥确实换了，请下线后重新登录，届时会显示新旧两个指纹。
window-log-in-again = 在这里重新登录
window-leave = 下线
window-pending = 还有 { $count } 条消息没有结果，等到结果后窗口会关闭。现在离开的话，路上的消息可能丢失。
window-stay = 先不关闭
window-leave-now = 现在离开

## 为什么没有窗口

window-no-display = 没有能显示窗口的屏幕：DISPLAY 和 WAYLAND_DISPLAY 都没有指向屏幕
window-no-drawing = 无法绘制窗口：{ $detail }
window-no-graphics = 无法绘制窗口：OpenGL 和 Direct3D 都不可用，而 CHAT_PAINTER 不允许使用别的方式
window-display-failed = 窗口已经结束：屏幕或者它的驱动程序出了故障
window-no-window = 无法打开窗口：{ $detail }
window-hint-drawing = 日志里有更多信息；{ $program } 不需要窗口
window-hint-display = 请在桌面会话里启动，或使用不需要窗口的 { $program }
