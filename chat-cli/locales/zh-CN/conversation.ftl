### 会话中显示的内容；通知和错误在别的文件里。

## 诊断信息的行首

error-line = 错误：{ $sentence }
hint-line = 建议：{ $sentence }
note-line = 提示：{ $sentence }

## 欢迎和在线状态

welcome-alone = 你是 { $user }；没有别人在线
welcome-among = 你是 { $user }；另有 { $count } 人在线：{ $names }
welcome-among-many = 你是 { $user }；另有 { $count } 人在线：{ $names }，以及其他 { $more } 人（用 /who 查看）
user-online = { $user } 上线了，地址 { $address }
user-online-hidden = { $user } 上线了，不公开地址
user-offline = { $user } 下线了
user-offline-lost = { $user } 下线了：连接中断
user-offline-kicked = { $user } 下线了：会话被管理员结束，或因密码修改而结束
user-offline-too-slow = { $user } 下线了：对方的程序没有及时读取服务器发来的数据
user-replaced = { $user } 重新登录了，地址 { $address }
user-replaced-hidden = { $user } 重新登录了，不公开地址
user-moved = { $user } 的地址变为 { $address }
roster-empty = 没有别人在线
roster-count = 另有 { $count } 人在线
roster-row = { $user } { $address } { $since } 上线
date-line = --- { $year } 年 { $month } 月 { $day } 日 ---
crowd-online = { $count } 人上线了：{ $names }
crowd-offline = { $count } 人下线了：{ $names }
crowd-both = { $arrived }；{ $left }
some-and-more = { $names }，另有 { $more } 人
who-name = 名字
who-way = 途径
who-way-host = 本机
who-way-lan = 局域网
who-way-routed = 跨网
who-way-server = 服务器
who-hidden = 不公开
who-address = 地址
who-since = 上线时间
who-round-trip = 往返时间
who-state = 状态
who-online = 在线
who-silent = 无响应
who-no-address = 地址无法到达

## 消息

to-everyone = 所有人
to-you = 你

## 结果

summary-delivered = { $delivered }/{ $all } 已送达
summary-not-delivered = { $delivered }/{ $all } 已送达：{ $message }
summary-failed = ；失败：{ $users }
summary-unconfirmed = ；未确认，可能收到也可能没收到：{ $users }
outcome-failed = { $user } 没有收到{ $message }：{ $reason }
outcome-unconfirmed = { $user } 可能没有收到{ $message }：{ $reason }
excerpt = “{ $text }”
excerpt-forgotten = 这条消息
user-with-reason = { $user }（{ $reason }）
list-separator = 、
reason-queue-full = 队列已满
reason-left = 已下线
reason-lost = 连接中断
reason-replaced = 被新的登录取代
reason-timed-out = 超时
reason-leaving = 你已下线
reason-refused = 被拒收
reason-misbehaved = 违反协议
reason-incompatible = 版本不兼容
reason-no-address = 从这里无法到达对方的任何地址
reason-too-many-sessions = 对方登录次数太多；要给对方发消息，请重新登录

## 结束前的等待

progress-waiting = 正在等待 { $outcomes } 个结果，最多再等 { $seconds } 秒；按 Ctrl-C 立即退出
