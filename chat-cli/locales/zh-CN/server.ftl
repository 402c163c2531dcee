### `chat-server`：帮助、启动时显示的内容，以及使它结束的错误。

## 帮助

server-about = 管理聊天账号和在线名单；无法直接连通时中转加密的消息
server-after-help =
    不带命令时，chat-server 一直提供服务，直到收到 SIGTERM 或 SIGINT。
    收到 SIGHUP 或执行命令 reload 时，它重新打开在线日志，并重新加载 --cert 和 --key。
    除 move 以外，所有命令在服务器运行时也能用。

    每个选项也可以用环境变量设置，或写在 --config 指定的文件里。
    参数优先于环境变量，环境变量优先于文件。

    密码在终端上输入，也可以来自 --password-file 或环境变量 CHAT_PASSWORD。
    含密码的数据库 URL 来自 CHAT_DATABASE、--database-file 或配置文件。
    两者都绝不出现在命令行参数里。

    退出码：
      0  成功，或按要求停止
      1  账号操作被拒绝，或服务器不得不停止
      2  参数错误，或较新的版本已写入共享名单：重新启动没有用
      3  无法启动：地址、数据目录、证书或数据库不能用，或被中断；
         对于 status、reload、invite 和 user list --online：没有服务器在运行
     70  程序因错误（bug）而终止；请报告标准错误输出中的那一行
help-heading = { $value }：
help-limits = 限额
server-user = 管理账号
server-fingerprint = 显示客户端用来识别本服务器的指纹：公钥的 SHA-256
server-invite = 显示同事加入正在运行的服务器时要输入的一行命令：服务器的地址和指纹
server-status = 显示正在运行的服务器的状态
server-reload = 让正在运行的服务器重新打开在线日志，并重新加载 --cert 和 --key 指定的文件
server-backup = 把 SQLite 数据库的一致快照复制到一个新文件；服务器运行时也能用
server-move = 把全部账号复制到另一个空数据库；此时不能有服务器在运行
server-user-add = 新建账号
server-user-passwd = 设置一个账号的密码，并结束它的会话
server-user-disable = 停用一个账号，使它不能登录，并结束它的会话
server-user-enable = 启用一个已停用的账号
server-user-remove = 永久删除一个账号，并结束它的会话
server-user-purge = 列出未使用的账号，或将其删除，使它们不再占用 max-accounts 的名额
server-user-purge-long =
    注册一天之后再没有人用它上线的账号，就是未使用的账号。
    已停用的账号会保留，已删除但名字仍保留的账号也会保留。
    删除之后，这些名字可以重新注册。
server-user-list = 列出全部账号：用户名、状态、创建时间、最近在线时间

server-option-data-dir = 存放密钥、在线日志和数据库的目录 [默认：在用户数据目录里]
server-option-database = sqlite:路径 或 mysql://用户@主机/数据库 [环境变量：CHAT_DATABASE] [默认：数据目录里的 chat.sqlite]
server-option-database-file = 第一行是数据库 URL 的文件
server-option-roster = 多台服务器共享的名单：redis://HOST，或使用 TLS 的 rediss://HOST?ca=FILE [环境变量：CHAT_ROSTER] [默认：无，服务器单独运行]
server-option-roster-file = 第一行是名单 URL 的文件
server-option-node-name = 这台服务器在共享名单的服务器之中的名称，供管理员识别 [默认：主机名和端口]
server-option-cert = PEM 文件里的证书链，代替服务器自签名的证书
server-option-key = 该证书的私钥，PEM 文件
server-option-listen = 监听的地址；端口 0 表示由系统选择 [默认：127.0.0.1:7777]
server-option-presence-log = 记录上线和下线的文件 [默认：数据目录里的 presence.log]
server-option-presence-log-format = 在线日志的格式 [默认：text]
server-option-metrics = 向 Prometheus 提供 /metrics 的地址，例如 127.0.0.1:9778 [默认：无]
server-option-registration = 谁可以注册账号 [默认：open]
server-option-trust-observed = 连接是否直接来自客户端的机器；如果服务器前面有端口转发、代理或容器引擎，使所有连接看上去来自同一个地址，请写 no [默认：yes]
server-option-max-connections = 连接数的上限，不论是否已登录 [默认：10000]
server-option-max-connections-per-address = 来自同一地址的连接数上限（IPv6：同一个 /64 网络）[默认：256]
server-option-max-guests = 尚未登录的连接数上限 [默认：2048]
server-option-max-sessions = 在线人数的上限，也就是在线名单的长度 [默认：10000]
server-option-sessions-per-account = 一个账号可以接连开始的会话数；此后每 10 秒可再开始一个 [默认：20]
server-option-max-accounts = 账号数的上限，包括已删除的账号 [默认：100000]
server-option-registrations-per-hour = 每小时注册数的上限 [默认：1000]
server-option-registrations-per-address = 同一地址每小时注册数的上限（IPv6：同一个 /64 网络）[默认：200]
server-option-handshake-time = TLS 握手的时限 [默认：10]
server-option-login-time = 从连接到登录的时限，包括所有尝试 [默认：10]
server-option-frames-per-second = 一个连接平均每秒可以发送的帧数 [默认：10]
server-option-frame-burst = 一个连接在停顿之后可以一次发送的帧数 [默认：40]
server-option-max-password-checks = 正在进行和等待的密码验证的总数上限；如果完成它们需要超过 10 秒，上限会更低。超出上限的客户端会被告知多久之后重试 [默认：1024]
server-option-password-threads = 验证密码的线程数，每个占用 19 MiB 内存 [默认：处理器的个数，最多 4]
server-option-relay = 客户端之间没有其他通路时，服务器是否中转它们的加密消息 [默认：on]
server-option-relay-rate = 服务器平均每秒为一个会话中转的 KiB 数 [默认：256]
server-option-relay-burst = 服务器在停顿之后一次为一个会话中转的 KiB 数 [默认：1024]
server-option-relay-total = 服务器每秒为所有会话中转的 KiB 数 [默认：16384]
server-option-relay-memory = 接收方读取较慢时，等待中转的数据报所用内存的 KiB 数；超出时丢弃数据报 [默认：65536]
server-option-to = 要新建的文件
server-option-to-database = sqlite:路径 或 mysql://用户@主机/数据库 [环境变量：CHAT_TO_DATABASE]
server-option-to-database-file = 第一行是该数据库 URL 的文件
server-option-name = 用户名
server-option-free-name = 允许重新注册这个用户名
server-option-unused-for = 只包括注册已超过这个天数的账号，例如 30d
server-option-yes = 删除这些账号，而不只是列出
server-option-online = 改为列出在线的会话：用户名、地址、登录时间
placeholder-url = URL
placeholder-number = 数目
placeholder-seconds = 秒数
placeholder-policy = 策略
placeholder-days = 天数
placeholder-yes-no = yes|no
value-open = 任何人
value-invited = 只有持邀请码的人（CHAT_INVITATION_CODE 或 `invitation-code`）
value-closed = 任何人都不可以；账号由 `chat-server user add` 新建

## 启动时显示的内容

start-listening = 正在监听 { $address }
start-folder = 数据目录 { $file }
start-fingerprint = 指纹 { $fingerprint }
start-loopback = 只有本机的程序可以连接；要让别人连接，请用 --listen { $address } 启动
start-then-reachable = 此后别人连接 { $address } 即可；用 `chat-server invite` 可得到他们要输入的一行命令
start-reachable = 别人可以连接 { $addresses }；用 `chat-server invite` 可得到他们要输入的一行命令
start-metrics = 监控指标在 http://{ $address }/metrics
lines-dropped = （丢弃了 { $count } 行）
certificate-reloaded = 证书已重新加载；指纹不变
certificate-reloaded-new-key = 证书已重新加载；指纹 { $fingerprint }
presence-log-reopened = 将在写入下一行之前重新打开在线日志
certificate-new-key = 记住了旧指纹的客户端将拒绝连接本服务器
certificate-not-reloaded = 证书没有重新加载，仍使用原来的证书：{ $reason }
hint-certificate-not-reloaded = 请改正服务器的 --cert 和 --key 所指定的文件，然后再重新加载

## 监听

listen-refused = 无法监听 { $address }：{ $reason }
listen-in-use = 地址已被占用
hint-listen-in-use = 请停止占用它的程序，或用 { $option } IP:端口 换一个端口
listen-not-available = 它不是本机的地址
hint-listen-not-available = 用 { $option } [::]:端口 可以监听所有地址
listen-permission = 系统不允许
hint-listen-permission = 小于 1024 的端口需要特殊权限，Windows 还保留了另一些端口；请换一个端口
passwords-not-checked = 无法验证密码：{ $detail }

## 互相矛盾的设置

limits-connections = max-connections-per-address（{ $count }）大于 max-connections（{ $max }）
hint-limits-connections = 请提高 max-connections，或降低 max-connections-per-address
limits-registrations = registrations-per-address（{ $count }）大于 registrations-per-hour（{ $max }）
hint-limits-registrations = 请提高 registrations-per-hour，或降低 registrations-per-address
limits-frames = frame-burst（{ $count }）小于 frames-per-second（{ $min }）；它至少要够用一秒
hint-limits-frames = 请提高 frame-burst，或降低 frames-per-second
limits-relay = relay-rate（{ $count }）大于 relay-total（{ $max }）
hint-limits-relay = 请提高 relay-total，或降低 relay-rate
check-sources-and-file = { $advice }；请检查参数、环境变量和 { $file }
check-sources = { $advice }；请检查参数和环境变量
invitation-missing = 注册需要邀请码，但没有设置邀请码
hint-invitation-missing = 请设置环境变量 CHAT_INVITATION_CODE，或配置文件里的 invitation-code
invitation-unused = 设置了邀请码，但注册不需要邀请码
hint-invitation-unused = 请写 registration = "invited"，或去掉邀请码
certificate-without-key = 证书缺少对应的私钥
key-without-certificate = 私钥缺少对应的证书
hint-certificate-pair = 请用 { $option } 或在配置文件里指定
hint-own-certificate = 如果不用 --cert 和 --key，服务器会自己生成密钥，客户端用 --fingerprint 识别它
two-databases-in-file = { $file } 同时设置了 database 和 database-file
hint-two-databases = 请去掉其中一项

## 数据库的选择

database-url-in-argument = 数据库 URL 里有密码，而别的用户能看到命令行参数
hint-database-url-in-argument = 请把它放进环境变量 { $variable }，或用 { $option }-file 指定一个写有它的文件
roster-url-in-argument = 名单 URL 里有密码，而其他用户能看到命令行参数
two-rosters-in-file = { $file } 同时设置了 roster 和 roster-file
roster-file-unreadable = 无法读取名单文件 { $file }：{ $reason }
node-name-rule = 服务器名称由 1 到 64 个 ASCII 字母、数字或符号组成，不含空格
roster-url-misplaced = 不能使用 { $value }：里面有含密码的名单 URL
hint-roster-url-misplaced = 请把 URL 放进 CHAT_ROSTER、配置文件的 roster 一项，或 --roster-file 指定的文件
database-url-misplaced = 不能使用 { $value }：里面有含密码的数据库 URL
hint-database-url-misplaced = 请把 URL 放进 CHAT_DATABASE、配置文件的 database 一项，或 --database-file 指定的文件
no-target-database = 没有指定目标数据库
hint-no-target-database = 请用 --to-database URL 指定；含密码的 URL 请放进 --to-database-file 指定的文件，或放进 { $variable }
database-file-unreadable = 无法读取数据库 URL 文件 { $file }：{ $reason }
database-url-unusable = 无法使用 { $option }：{ $reason }
no-database-file = 没有数据库文件 { $file }
hint-no-database-file = 请指定服务器所用的数据目录和数据库
hint-database-is = 数据库是 { $value }
days-range = “{ $typed }”不是 { $min } 到 { $max } 之间的天数；请写成 30d 这样的形式
page-not-written = 无法写入 { $file }：{ $detail }
hint-page-not-written = 请指定一个已存在、你可以写入的目录
