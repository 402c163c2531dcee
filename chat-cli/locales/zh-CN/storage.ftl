### 只有服务器才有的错误：数据目录、密钥、数据库。

error-with-cause = { $problem }：{ $reason }

## 数据目录和密钥

folder-unusable = 无法使用数据目录 { $file }：{ $detail }
folder-is-device = 数据目录 { $file } 是系统的设备
folder-of-other-user = 数据目录 { $file } 属于另一个用户（uid { $count }），里面的密钥可能是那个用户的
folder-writable-by-everyone = 任何用户都能写入数据目录 { $file }，里面的密钥可能是别人的
folder-not-locked = 无法锁定数据目录 { $file }：{ $detail }
folder-in-use-by = 数据目录 { $file } 正被另一台服务器（进程 { $process }）使用
folder-in-use = 数据目录 { $file } 正被另一台服务器使用
hint-folder-unusable = 请用 --data-dir 选择一个你可以写入的目录
hint-folder-of-other-user = 请以该用户的身份运行这个命令，或用 --data-dir 选择自己的目录
hint-folder-writable-by-everyone = 请用 --data-dir 选择另一个目录；如果里面的文件都是你的，也可以用 chmod 700 限制这个目录的权限
hint-folder-in-use = 请停止那台服务器，或用 --data-dir 选择另一个目录
key-unreadable = 无法读取 { $file }：{ $detail }
key-not-written = 无法写入 { $file }：{ $detail }
key-unusable = 无法使用 { $file }：{ $detail }
key-not-loaded = 没有加载证书和密钥，因为程序正在结束
key-of-other-certificate = { $other } 里的私钥与 { $file } 里的证书不匹配；请指定与该证书匹配的私钥
certificate-not-created = 无法生成证书：{ $detail }
presence-log-not-opened = 无法打开在线日志 { $file }；请指定一个你可以写入的文件：{ $detail }
presence-log-thread-refused = 无法启动写在线日志的线程：{ $detail }

## 数据库的 URL

url-not-built-in = 本程序不支持 { $value }；请指定别的数据库，或启用 chat-store 的特性 { $option } 重新构建
url-kind = 未知的数据库类型；可以是 sqlite:路径 或 mysql://用户:密码@主机[:端口]/数据库（也支持 MariaDB）
url-sqlite-path = 数据库 URL 里没有文件；请写 sqlite:路径
url-sqlite-host = SQLite 的 URL 里有主机；请写 sqlite:路径，绝对路径前面只有一个斜杠
url-sqlite-memory = 内存里的 SQLite 数据库不能保存账号；请写 sqlite:路径
url-sqlite-url = SQLite 的 URL 里不是路径，而是另一个 URL；请写 sqlite:路径，或只写那个 URL
url-sqlite-device = Windows 把这个 SQLite 文件名保留给设备；请写 sqlite:路径，换一个文件名
url-mysql = 无法解析 MySQL 的 URL；请写 mysql://用户:密码@主机[:端口]/数据库，密码里的特殊字符用百分号编码（@ 写成 %40）
url-not-encoded = MySQL 的 URL 里有未用百分号编码的特殊字符；在用户名和密码里，请把 / 写成 %2F、? 写成 %3F、# 写成 %23、% 写成 %25，并把除主机前面那个以外的 @ 写成 %40
url-mysql-option = MySQL 的 URL 里有不允许的选项：{ $detail }
url-mysql-database = MySQL 的 URL 里没有数据库名；请写 mysql://用户:密码@主机[:端口]/数据库

## 打开数据库

open-not-created = 无法新建数据库文件 { $file }；请指定一个已存在、可写入的目录里的文件
open-claim = 无法使用锁文件 { $file }.lock，服务器用它表明自己正在使用数据库
open-file = 无法使用数据库文件 { $file }；它必须是可写入的 SQLite 数据库
open-no-locks = 数据库文件 { $file } 所在的文件系统没有文件锁，而 SQLite 需要文件锁；请使用本机磁盘上的目录，或改用 MySQL
open-read-only = 无法修改数据库文件 { $file }；文件和它的目录都必须可写入
open-unreadable = 无法读取数据库文件 { $file }；它必须是 SQLite 数据库
open-journal = 数据库文件 { $file } 的最新改动在它旁边的另一个文件里，而目录不可写入，无法读取；请把它连同 -wal、-shm 和 -journal 文件复制到可写入的目录，再使用那个副本
open-not-utf8 = 路径 { $file } 不是有效的 UTF-8；请指定别的文件
open-newer-schema = 数据库的结构是 { $found }，比本程序支持的版本新；请使用较新版本的程序，或恢复升级之前的副本
open-no-schema = 数据库是空的；请用它启动服务器，或新建一个账号，这会建立所需的表
open-older-schema = 数据库的结构比本程序旧；请启动一次服务器，它会升级数据库的结构
open-migration-locked = 另一个程序正在准备数据库，{ $seconds } 秒后仍未完成；请在它完成后再试
open-copy = 升级结构之前的复制失败，数据库没有改变
open-migration = 无法升级数据库的结构；这需要对数据库的全部权限
open-names = 无法读取数据库里的用户名
hash-threads-refused = 无法启动验证密码的线程

## MySQL 服务器

mysql-unreachable = 数据库服务器 { $server } 没有应答；请检查它是否在运行、地址是否正确
mysql-unknown-host = 找不到数据库服务器的主机“{ $host }”；请检查 URL 里的主机
mysql-socket = 无法使用数据库服务器的套接字 { $file }；请检查 URL 里 socket= 后面的路径，以及服务器是否在运行
mysql-stranger = 在 { $server } 应答的不是 MySQL：{ $found }；请检查 URL 里的主机和端口
stranger-http = 它是 Web 服务器
stranger-redis = 它是 Redis 服务器
stranger-ssh = 它是 SSH 服务器
stranger-closes = 它没有发送握手包就关闭了连接
stranger-other = 它是其他类型的服务器
mysql-silent = { $server } 接受了连接，但没有发送握手包：它可能不是 MySQL 服务器，也可能是失去响应的数据库服务器；请检查 URL 里的主机和端口
mysql-tls = 无法与数据库服务器 { $server } 建立加密连接；请检查它的证书，以及 URL 里 ca= 指定的文件
mysql-tls-required = 数据库服务器 { $server } 要求使用 TLS；请在 URL 末尾加上 ?require_ssl=true
mysql-login = 数据库服务器 { $server } 拒绝用户“{ $user }”登录；请检查 URL 里的用户名和密码，以及其中的特殊字符是否用百分号编码
mysql-login-plain = 数据库服务器 { $server } 拒绝用户“{ $user }”登录；请检查 URL 里的用户名和密码，以及其中的特殊字符是否用百分号编码；如果服务器要求使用 TLS，请在 URL 末尾加上 ?require_ssl=true
mysql-locked = 数据库服务器 { $server } 的用户“{ $user }”已被锁定；请用 ALTER USER .. ACCOUNT UNLOCK 解锁
mysql-expired = 数据库服务器 { $server } 的用户“{ $user }”密码已过期；请用 ALTER USER .. IDENTIFIED BY 设置新密码
mysql-full = 数据库服务器 { $server } 的连接数已达到上限；请关闭一些连接，或提高上限（max_connections、max_user_connections）
mysql-rights = 用户“{ $user }”没有使用数据库“{ $value }”的权限；请授予这个命令所需的权限
mysql-no-database = 服务器 { $server } 上没有数据库“{ $value }”；请用 CREATE DATABASE 新建，或改正 URL
mysql-refused = 数据库服务器 { $server } 拒绝连接
mysql-failed = 与数据库服务器 { $server } 的连接失败

## 多台服务器共享的名单

roster-url-kind = 未知的名单类型；可以使用 redis://[用户:密码@]主机[:端口]，或使用 TLS 的 rediss://
roster-url-not-encoded = 名单 URL 里有未按百分号编码的特殊字符；在用户名和密码里，/ 写成 %2F，? 写成 %3F，# 写成 %23，: 写成 %3A，% 写成 %25，除主机前面的 @ 以外，@ 都写成 %40
roster-url-host = 名单 URL 没有主机；请写成 redis://[用户:密码@]主机[:端口]
roster-url-port = 名单 URL 里的端口不是 1 到 65535 之间的数字
roster-url-database = 名单 URL 里的路径不是数据库编号；请写成 redis://主机/0，或省略它
roster-url-option = 名单 URL 里有未知的选项；可以使用 room=名称 和 ca=文件
roster-url-room = 名单 URL 里的 room 由 1 到 64 个小写字母 a 到 z、数字、连字符和下划线组成
roster-url-no-ca = rediss:// 需要 ?ca=文件：可能签发了 Redis 服务器证书的证书颁发机构的 PEM 文件（公共机构例如 /etc/ssl/certs/ca-certificates.crt）
roster-url-ca-without-tls = 名单 URL 里有 ca=文件，只有 rediss:// 才使用它
roster-incompatible = 服务器共享的名单里有本程序较新版本写入的内容；请也升级这台服务器
redis-unknown-host = 找不到 Redis 服务器的主机“{ $host }”；请检查 URL 里的主机
redis-unreachable = Redis 服务器 { $server } 没有应答；请检查它是否在运行、地址是否正确
redis-silent = Redis 服务器 { $server } 已有 { $seconds } 秒没有应答
redis-silent-tls = Redis 服务器 { $server } 已有 { $seconds } 秒没有应答 TLS 握手；如果一直如此，请检查这是不是它的 TLS 端口
redis-broken = 与 Redis 服务器 { $server } 的连接断开了
redis-stranger = 在 { $server } 应答的不是 Redis 服务器；请检查主机、端口，以及它是否要求使用 rediss://
redis-ca-file = 无法使用证书颁发机构文件 { $file }；请检查 URL 里 ca= 后面的路径
redis-tls = 无法与 Redis 服务器 { $server } 建立安全连接；请检查它的 TLS 端口、证书，以及 URL 里 ca=文件 所指的文件
redis-login = Redis 服务器 { $server } 拒绝登录；请检查 URL 里的用户名和密码，以及其中的特殊字符是否已按百分号编码
redis-rights = Redis 服务器 { $server } 没有给予该用户名单所需的全部权限；请参阅手册里的 ACL 规则
redis-version = Redis 服务器 { $server } 的版本是 { $found }，而名单需要 6.2 或更新的版本
redis-other-keys = 共享名单“{ $value }”的服务器使用另一个 ticket.key；请把它们的文件复制到这台服务器，或在 URL 里用 ?room= 给这组服务器指定另一个名称
redis-format = 本程序的另一个版本以另一种格式（{ $found }）保存名单“{ $value }”；请升级共享它的所有服务器
redis-full = Redis 服务器 { $server } 已达到内存上限；请提高它的 maxmemory，或释放内存
redis-read-only = Redis 服务器 { $server } 是副本，不接受更改；请在 URL 里指定主服务器
redis-cluster = Redis 服务器 { $server } 是集群里的一个节点，而名单属于另一个节点；请指定那个节点
redis-refused = Redis 服务器 { $server } 拒绝：{ $detail }
redis-damaged = Redis 服务器上的名单“{ $value }”里有不是本程序写入的内容：{ $detail }

## 查询

query-connection = 没有连接到数据库
query-failed = 数据库查询失败
query-timeout = 数据库没有应答查询
query-stopped = 程序正在结束
query-hash = 无法计算密码的散列
query-row = 账号 { $id } 的数据已损坏：{ $detail }
query-changed = 无法读取数据库
query-gone = 一个已注册的账号不见了
hash-busy = 正在验证的密码太多；请在 { $seconds } 秒后再试
hash-none = 有一个已保存的密码散列不是 PHC 格式的 argon2id 散列
hash-memory = 内存不足，无法计算密码的散列；请降低它的内存开销
hash-random = 系统没有提供随机数
hash-stopped = 验证密码的线程已结束

## 副本

backup-not-created = 无法新建文件 { $file }；请在可写入的目录里指定一个不存在的文件
backup-failed = 无法把数据库复制到 { $file }
backup-no-database = 没有数据库文件 { $file }；请指定服务器所用的数据库文件
backup-mysql = MySQL 数据库用它自己的工具备份：{ $command } > 文件
move-same-database = 源数据库和目标数据库相同：{ $value }
move-in-use = 有服务器正在使用 { $value }
move-not-empty = { $value } 里已有账号（{ $count } 个）；请指定一个空数据库
move-not-read = 无法读取 { $value } 里的账号；没有复制任何内容
move-not-written = 无法把账号写入 { $value }；没有复制任何内容
move-different = 账号 { $id } 在 { $value } 里与原数据库不一致；不要使用那个数据库，重试之前请把它清空
