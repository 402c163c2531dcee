### chat-server-desktop 的窗口。

## 启动服务器

server-window-title = 聊天服务器
server-window-about = 窗口里的聊天服务器。选项与 chat-server 相同，使用同样的数据目录和数据库。
server-window-address = 监听地址
server-window-address-hint = IP:端口，例如 0.0.0.0:7777
server-window-folder = 数据目录
server-window-folder-hint = { $folder }（默认）
server-window-no-default-folder = 当前用户没有主目录，因此没有默认位置；请填写数据目录
server-window-folder-not-whole = 请填写目录的完整路径，例如 { $example }
server-window-database = 数据库
server-window-database-in-folder = SQLite（在数据目录里）
server-window-database-by-url = MySQL 或 MariaDB
server-window-database-named = 按配置
server-window-database-url = 数据库 URL
server-window-database-url-hint = mysql://用户:密码@主机/数据库
server-window-show-url = 显示 URL
server-window-start = 启动服务器
server-window-starting = 正在启动…
server-window-advice-port = { $problem }；请换一个端口，或停止占用它的程序
server-window-advice-all-addresses = { $problem }；0.0.0.0 和 [::] 表示本机的所有地址
server-window-advice-high-port = { $problem }；请选择大于 1024 的端口，例如 7777
server-window-advice-other-folder = { $problem }；请选择你自己的、可以写入的目录
server-window-advice-stop-other = { $problem }；请停止那台服务器，或选择另一个目录

## 运行中的服务器

server-window-stopped = 已停止
server-window-running = 运行中，{ $time } 启动
server-window-counts = 在线 { $online } · 登录 { $logins } 次 · 拒绝 { $refused } 次
server-window-stop = 停止服务器
server-window-stopping = 正在停止…
server-window-had-to-stop = 服务器因故停止：{ $reason }
server-window-for-others = 对外地址
server-window-only-here = 只有本机的程序可以连接。要让别人连接，请停止服务器，改为监听 { $address }。
server-window-behind-forwarder = 客户端连接的是服务器前面的转发设备：请把转发设备的地址告诉别人。
server-window-no-address = 本机没有别人能连接的地址，请先接入网络。
server-window-copy-address = 复制地址 { $address }
server-window-copied = 已复制
server-window-fingerprint = 指纹（与客户端显示的核对）
server-window-copy-fingerprint = 复制指纹
server-window-invitation = 邀请
server-window-invitation-explained = 发给同事，粘贴到聊天窗口的“服务器”栏或终端里即可加入。
server-window-copy-invitation = 复制邀请
server-window-registration = 谁可以注册
server-window-registration-open = 任何人
server-window-registration-invited = 凭邀请码
server-window-registration-closed = 不开放
server-window-registration-closed-hint = 账号由你在账号列表里添加。
server-window-code = 邀请码
server-window-code-explained = 新用户注册时填写；上面的邀请里不含邀请码。
server-window-copy-code = 复制邀请码
server-window-new-code = 换一个
server-window-new-code-hint = 原来的邀请码将失效，已有的账号不受影响。

## 上线、下线和在线的人

server-window-arrivals = 上下线
server-window-online = 在线 · { $count }
server-window-accounts = 账号
server-window-numbers = 统计
server-window-no-arrivals = 还没有人上线。上线和下线会显示在这里。
server-window-nobody-online = 没有人在线。
server-window-older-arrivals = 更早的记录只在数据目录的在线日志里
server-window-arrivals-left-out = 这里略过了 { $count } 行；在线日志里有
server-window-server-started = 服务器已启动
server-window-server-stopping = 服务器停止
server-window-came = 上线
server-window-replaced = 重新登录
server-window-moved = 地址变更
server-window-left = 下线：自己离开
server-window-left-lost = 下线：连接中断
server-window-left-kicked = 下线：账号已改动
server-window-left-too-slow = 下线：客户端接收过慢
server-window-column-user = 用户
server-window-column-address = 地址
server-window-column-since = 上线时间
server-window-column-last-seen = 最近在线

## 账号

server-window-find-account = 查找账号
server-window-refresh = 刷新
server-window-no-accounts = 还没有账号。
server-window-no-account-found = 没有包含“{ $typed }”的账号
server-window-more-accounts = 只列出前 { $max } 个账号；用 `chat-server user list` 可列出全部
server-window-seen-now = 在线
server-window-never-seen = 从未
server-window-state-disabled = 已停用
server-window-state-removed = 已删除
server-window-state-invalid = 名字已不符合规则
server-window-add-account = 添加账号…
server-window-add-account-title = 新账号
server-window-add = 添加账号
server-window-disable = 停用
server-window-disable-user = 停用“{ $user }”
server-window-enable = 启用
server-window-enable-user = 启用“{ $user }”
server-window-reset = 密码…
server-window-reset-user = 为“{ $user }”设置新密码
server-window-suggest = 生成密码
server-window-set-password = 设置密码
server-window-password-once = 密码只在这里显示一次。请交给用户本人，登录后可自行修改。
server-window-copy-password = 复制密码
server-window-remove = 删除…
server-window-remove-user = 删除“{ $user }”
server-window-remove-question = 要永久删除账号“{ $user }”吗？该用户的会话会结束，以后无法再登录。
server-window-free-name = 允许别人注册这个名字
server-window-working = 正在处理…

## 关闭

server-window-close-question = 服务器正在运行，{ $count } 人在线。关闭窗口会停止服务器。
server-window-keep-running = 继续运行
server-window-stop-and-close = 停止并关闭
