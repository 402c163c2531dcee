### 连接、登录或修改密码失败的原因，以及会话结束的原因。

## 服务器的拒绝

rejection-name-taken = 这个用户名已被使用，或者与已有的用户名看上去相同；请换一个
rejection-wrong-credentials = 用户名或密码错误
rejection-disabled = 这个账号已被停用；请联系服务器管理员
rejection-registration-closed = 这台服务器不开放注册；请向管理员申请账号
rejection-busy = 服务器繁忙；请在 { $seconds } 秒后再试
rejection-slow-down = 尝试次数太多；请在 { $seconds } 秒后再试
rejection-storage-unavailable = 服务器无法访问账号数据；请稍后再试
rejection-addresses = 所提供的地址都不能用；请提供一个其他客户端能到达的地址，端口为 1024 到 65535
rejection-key-in-use = 这个会话密钥正被另一个会话使用；请重新登录
rejection-ticket-refused = 会话无法恢复；请重新登录
rejection-superseded = 这个账号已在别处登录
rejection-unexpected-request = 此时不允许这个请求
rejection-malformed = 请求的格式有误
rejection-too-many-requests = 请求过于频繁；请降低频率
rejection-full = 服务器已满；请稍后再试
rejection-login-timeout = 登录超时；请重新连接
rejection-too-many-registrations-seconds = 近期注册的账号太多；请在 { $seconds } 秒后再试
rejection-too-many-registrations-minutes = 近期注册的账号太多；请在 { $minutes } 分钟后再试
rejection-not-invited = 在这台服务器注册需要有效的邀请码；请向管理员索取
rejection-accounts-full = 这台服务器的账号数已达到上限；请联系管理员

## 版本

versions-update-this = 本程序支持协议版本 { $our-low } 到 { $our-high }，对方支持 { $their-low } 到 { $their-high }；请更新本程序
versions-update-other = 本程序支持协议版本 { $our-low } 到 { $our-high }，对方支持 { $their-low } 到 { $their-high }；请更新对方的程序

## 连接

connect-resolve = 找不到 { $server } 的主机：{ $detail }；请检查拼写和网络
connect-unreachable = { $server } 没有应答：{ $reason }；服务器在运行吗？地址正确吗？
unreachable-refused = 连接被拒绝
unreachable-reset = 连接被重置
unreachable-host = 无法到达这台主机
unreachable-network = 无法到达这个网络
unreachable-timed-out = 没有应答
connect-timed-out = { $server } 没有应答；服务器在运行吗？地址正确吗？中间有防火墙吗？
connect-not-chat = 监听 { $server } 的不是 chat 服务器：{ $detail }；请检查端口
connect-tls = 与 { $server } 的 TLS 握手失败：{ $detail }
connect-certificate = 不能信任 { $server } 的证书：{ $problem }；没有向服务器发送任何内容
connect-not-certifiable = { $server } 的主机既不是域名也不是 IP 地址，因此没有证书颁发机构能为它签发证书
connect-authorities = 无法使用 { $file } 里的证书颁发机构：{ $detail }
authorities-unreadable = 无法读取文件：{ $detail }
authorities-not-pem = 文件已损坏：不是 PEM 格式
authorities-not-x509 = 无法读取文件里的一个证书；它必须是 X.509 第 3 版证书
authorities-empty = 文件里没有 PEM 格式的证书
connect-untrusted = { $server } 是未知的服务器；它的指纹是 { $shown }；请与管理员给你的指纹核对
connect-fingerprint-changed = { $server } 的密钥变了：指纹原来是 { $known }，现在是 { $shown }；没有向服务器发送任何内容
connect-different-keys = { $server } 的指纹是 { $known }，而 { $other } 的指纹是 { $shown }；共享名单的服务器使用同一把密钥；没有向它们发送任何内容
connect-wrong-fingerprint = { $server } 的指纹不是 { $wanted }，而是 { $shown }；没有向它发送任何内容
connect-login-failed = 登录 { $server } 失败：{ $reason }；请重试
login-disconnected = 登录时连接失败或中断
login-connect-timed-out = 连接超时
login-reply-timed-out = 服务器没有及时应答
login-roster-incomplete = 收到完整的在线名单之前，连接中断了
login-server-stopping = 服务器正在停止
login-too-slow = 本客户端没有读取服务器发来的内容
connect-registration-unanswered = { $server } 没有应答注册请求，账号可能已经存在；再次注册之前请先试着登录
connect-only-registered = 账号已注册，但与 { $server } 的连接在登录完成之前中断；请登录
connect-udp = 无法在 { $address }（UDP）接收消息：{ $reason }
udp-in-use = 别的程序在用这个端口；请换一个，或用 0 让系统选择
udp-not-available = 本机没有这个地址；请用本机的地址，或用 [::] 表示所有地址
udp-permission = 小于 1024 的端口需要特殊权限；请用更大的端口
client-internal = 客户端因内部错误而停止；请报告这个问题

## 证书

certificate-unknown-authority = 它不是由本客户端信任的证书颁发机构签发的
certificate-other-authority = 签发它的机构与一个受信任的机构同名，但密钥不同
certificate-is-authority = 它是证书颁发机构自己的证书（CA:TRUE），服务器不能使用
certificate-no-host = 它没有写明主机：缺少主题备用名称（subject alternative name）
certificate-not-for-host = 它不是颁发给 { $host } 的
certificate-other-host = 它是颁发给 { $names } 的，而不是颁发给 { $host } 的
certificate-not-yet-valid = 它要到 { $from } 才生效，而本机时钟现在是 { $now }
certificate-expired = 它已于 { $until } 过期，而本机时钟现在是 { $now }
certificate-not-for-servers = 它不能用于服务器：扩展密钥用法（extended key usage）里没有服务器身份验证
certificate-algorithm = 它使用了本程序不接受的签名算法（例如 SHA-1）
certificate-malformed = 它不符合证书规范（RFC 5280），因此无法验证

## 已知的服务器

known-servers-read = 无法读取 { $file } 里已知的服务器：{ $detail }
known-servers-write = 无法写入 { $file } 里已知的服务器：{ $detail }
known-servers-line = { $file } 的第 { $line } 行不是“主机:端口 指纹”；请改正或删除这一行

## 会话的结束

ended-replaced = 这个账号已在别处登录
ended-kicked = 会话已被服务器结束：账号被停用或删除，或者密码被修改
end-rejected = 服务器拒绝恢复本会话：{ $reason }
end-not-chat = 服务器使用的不是 chat 协议：{ $detail }

## 修改密码

password-change-not-connected = 没有连接到服务器；请在连接恢复后再试
password-change-wrong = 当前密码不对
password-change-in-progress = 已经在修改密码；请等待结果
password-change-unanswered = 连接在服务器应答之前中断；新旧密码都可能有效
client-offline = 本客户端已不在线
