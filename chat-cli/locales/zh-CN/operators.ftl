### 管理员的命令：账号、服务器的状态、数据库的副本。

## 账号

user-registered = { $user } 已注册
user-new-password = 已为 { $user } 设置新密码；其会话将在几秒内结束
user-may-log-in = { $user } 可以登录
user-disabled = { $user } 不能再登录；其会话将在几秒内结束
user-removed = { $user } 已删除，名字仍保留；其会话将在几秒内结束
user-removed-and-freed = { $user } 已删除，名字可以重新注册；其会话将在几秒内结束
user-name-taken = 用户名 { $user } 已被使用，或者与已有的用户名看上去相同
hint-user-name-taken = 如果占用它的是一个已删除的账号，请用 `chat-server user remove 名字 --free-name` 释放
user-unknown = 没有名为 { $user } 的账号
hint-user-unknown = `chat-server user list` 列出全部账号
database-failed = 数据库出错：{ $detail }
purge-nothing = 没有未使用的账号
purge-found = 有 { $count } 个未使用的账号；加上 --yes 才会删除
purge-deleted = 已删除 { $count } 个未使用的账号
column-user = 用户
column-status = 状态
column-created = 创建时间
column-last-seen = 最近在线
column-address = 地址
column-since = 上线时间
account-active = 正常
account-disabled = 已停用
account-removed = 已删除
account-never-seen = 从未
note-new-database = 原来没有数据库文件 { $file }，现在新建一个
note-new-key = { $file } 里原来没有密钥，已新建一个
note-looks-like = { $user }（账号 { $id }）看上去与 { $other } 相同
note-invalid-name = “{ $user }”（账号 { $id }）已不是有效的用户名，因此其主人无法登录：{ $reason }；请用 `chat-server user add 名字` 另建一个账号给他

account-wrong-credentials = 用户名或密码错误
account-is-disabled = 账号已停用
account-none = 没有这个账号
account-name-taken = 这个用户名已被使用，或者与已有的用户名看上去相同
accounts-full = 账号数已达到上限
accounts-busy = 繁忙；请在 { $seconds } 秒后再试
accounts-unavailable = 无法访问账号数据

## 服务器的状态

status-program = chat-server
status-program-line = { $version }，进程 { $process }，{ $state }
state-starting = 正在启动
state-serving = 正在提供服务
state-stopping = 正在停止
status-since = 启动时间
status-since-line = { $since }（{ $span }）
span-seconds = { $count } 秒
span-minutes = { $count } 分钟
span-hours = { $hours } 小时 { $minutes } 分钟
span-days = { $days } 天 { $hours } 小时
status-listening = 监听地址
status-fingerprint = 指纹
status-database = 数据库
status-online = 在线
status-online-reconnecting = { $count }，另有 { $more } 个正在重新连接
status-connections = 连接
status-connections-line = { $count }，上限 { $max }
status-logins = 登录
status-logins-line = 用密码 { $count } 次，恢复会话 { $resumed } 次，凭票据开始新会话 { $fresh } 次
status-no-logins = 用时：暂无
status-login-times = 用时：中位数 { $median }，第 99 百分位 { $rare }
time-millis = { $count } 毫秒
time-over-ten-seconds = 10 秒以上
status-refused = 已拒绝
status-checks = 密码验证
status-checks-line = 正在进行 { $count } 个，等待 { $more } 个
status-frames = 帧
status-frames-line = 收到 { $count }（{ $incoming }），发出 { $more }（{ $outgoing }）
status-relay = 中转
status-relay-line = { $count } 个会话，中转数据报 { $more } 个（{ $outgoing }），丢弃 { $dropped } 个
status-relay-off = 关闭
status-shared = 共享名单
status-shared-line = { $value }：{ $state }，位置 { $position }，落后 { $count }
shared-ready = 就绪
shared-entering = 正在加入
shared-away = 无法访问，其他人不能登录
shared-incompatible = 属于较新的版本
status-nodes = 服务器
status-nodes-line = { $count } 台：{ $names }；本机是 { $value }
status-sessions = 会话
status-sessions-line = 本机 { $count } 个，共 { $more } 个
status-problems = 问题
status-none = 无
problem-too-slow = { $count } 个客户端因读取太慢被断开
problem-handshakes = { $count } 次握手失败
problem-accept = { $count } 次接受连接失败
problem-presence-log = 在线日志缺少 { $count } 行
refused-count = { $reason } { $count }
refused-wrong-credentials = 用户名或密码错误
refused-disabled = 账号已停用
refused-name-taken = 用户名已被使用
refused-registration-closed = 不开放注册
refused-not-invited = 没有有效的邀请码
refused-registrations = 注册太多
refused-accounts-full = 账号数已满
refused-busy = 繁忙
refused-throttled = 尝试太多
refused-storage-unavailable = 无法访问账号数据
refused-ticket-refused = 票据无效
refused-full = 服务器已满
refused-too-late = 登录超时
refused-too-many-requests = 请求太多
refused-other = 其他

## 询问正在运行的服务器

no-server-runs = 没有服务器正在使用数据目录 { $file }
hint-no-server-runs = 请启动服务器；如果它已在运行，请用 --data-dir 目录 指定它的数据目录
server-of-other-user = 数据目录 { $file } 的服务器由另一个用户运行
hint-server-of-other-user = 请以该用户或 root（在 Windows 上：管理员）的身份运行这个命令
server-unreachable = 无法连接到数据目录 { $file } 的服务器：{ $detail }
server-silent = 数据目录 { $file } 的服务器在 { $seconds } 秒内没有应答
server-not-understood = 数据目录 { $file } 的服务器给出了本程序无法识别的应答
hint-server-not-understood = 请使用同一版本的 chat-server，并以运行服务器的用户或 root（在 Windows 上：管理员）的身份运行

## 邀请

invite-only-here = 这一行命令只在本机有效；要让别人连接，请用 --listen { $address } 启动服务器
invite-other-addresses = 本机还有别的地址：{ $addresses }
invite-forwarder = 客户端连接的是服务器前面的转发设备；请把命令里的地址换成它的地址
invite-zone = 这是链路本地地址；同事还要写上他自己机器的网络接口，例如 { $address }
invite-code = 客户端会询问邀请码：{ $code }
invite-closed = 不开放注册；请先新建账号：chat-server user add 名字
invite-no-address = 本机没有别人能连接的地址
hint-invite-no-address = 请先把本机接入网络

## 数据库的副本

backup-done = 已把 { $value } 复制到 { $file }
hint-backup-mysql = 这个命令会询问密码；用 `mariadb ... 数据库 < 文件` 恢复副本
backup-file-exists = 文件 { $file } 已存在
hint-backup-file-exists = 请指定一个不存在的文件：已有的文件不会被覆盖
move-done = 已把 { $count } 个账号复制到 { $value }，并核对无误
move-next = { $other } 没有改变；再次启动服务器之前，请把数据库设置为 { $value }
note-folder-not-locked = 无法锁定数据目录 { $file }；请确保在账号复制完成之前没有服务器使用它：{ $detail }
hint-move-same = 请指定另一个空数据库
hint-move-in-use = 请先停止服务器：复制期间注册的账号会丢失

## 在线日志

server-log = 显示在线日志；text 和 json 格式的都能读取
server-option-log-user = 只显示关于这个用户的记录
server-option-since = 只显示从这个时间起的记录：2026-11-23、'2026-11-23 04:28'、04:28、2026-11-23T04:28:00Z，或用 2h 表示最近两小时
server-option-follow = 等待后续的记录，日志轮转之后也继续
placeholder-time = 时间
since-form = 请写一个时间，例如 2026-11-23、'2026-11-23 04:28'、04:28、2026-11-23T04:28:00Z，或用 30m、2h、7d 表示从多久以前起
log-missing = 没有在线日志 { $file }
hint-log-missing = 请用 --data-dir 指定服务器的数据目录，或用 --presence-log 指定它的在线日志
log-unreadable = 无法读取在线日志 { $file }：{ $detail }
note-log-skipped = { $file } 中有 { $count } 行不是记录，已略过
note-log-incomplete = { $file } 的最后一行不完整，已略过
note-log-nobody = 没有关于 { $user } 的记录；{ $advice }
log-nobody-similar = 请检查名字，以及 --since 的时间

## 生效的设置

server-config = 显示每项设置生效的值，以及它的来源
column-setting = 设置
column-value = 值
column-source = 来源
source-argument = 参数 { $option }
source-environment = 环境变量 { $variable }
source-file = 文件 { $file }
source-setting = { $key } 一项
source-default = 默认

## 导入账号

server-user-import = 导入文件里的账号：要么全部导入，要么一个也不导入
server-user-import-long =
    文件的每一行是用户名、空格和密码；密码也可以换成它的 argon2id 散列（PHC 格式，$argon2id$...）。
    空行和以 # 开头的行会被略过。
server-option-import-file = 每行一个用户名和密码（或散列）的文件
import-unreadable = 无法读取文件 { $file }：{ $reason }
note-import-readable = 本机的任何用户都能读取 { $file } 里的密码；请用 chmod 600 限制它的权限，或在导入之后删除它
import-no-password = 每行需要一个名字和一个密码，中间用空格隔开
import-bad-hash = 散列不是 PHC 格式的 argon2id 散列；正确的形式如 $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
import-same-name = 名字与第 { $line } 行的相同，或看上去相同
import-bad-line = 第 { $line } 行：{ $reason }
import-bad-user = 第 { $line } 行，{ $user }：{ $reason }
import-refused = { $file } 有 { $count } 行错误，因此没有导入任何账号
hint-import-refused = 请改正或删除这些行，然后重新导入
import-with-password = 第 { $line } 行：{ $user } 已注册
import-with-hash = 第 { $line } 行：{ $user } 已注册，使用所给的散列
import-done = 已导入 { $count } 个账号
import-full = 加上这些账号，账号总数会达到 { $count } 个；最多允许 { $max } 个
import-taken = 有用户名已被使用，或者与已有的用户名看上去相同
import-not-written = 无法写入账号；没有导入任何账号

## 进度

progress-hashing = 正在计算密码的散列
progress-writing-accounts = 正在写入账号
progress-opening = 正在打开数据库
progress-backup = 正在复制数据库
progress-move = 正在复制并核对账号
