### 启动：`chat-client` 在终端上的提问，以及别人如何找到服务器。

## 服务器

start-placeholder-server = 服务器
start-argument-server = 服务器：配置文件里的名字，或者地址 [默认：在终端上询问]
start-ask-server = 服务器（主机 或 主机:端口）：
start-ask-server-again = 服务器 [{ $last }]：
start-no-named-server = 没有名为“{ $word }”的服务器
start-hint-named-server = 请写出它的地址（主机:端口），或在配置文件里用 [servers."{ $word }"] 给它起名
start-two-servers = 指定了两次服务器：用了 --server，又直接写了一次

## 指纹

start-ask-fingerprint =
    这是第一次连接 { $server }。它的密钥的指纹是
    {"  "}{ $first }
    {"  "}{ $second }
    请与真正的指纹核对（在服务器上运行 `chat-server fingerprint` 可看到）：
    如果不一致，说明中间有人想窃取你的密码。
    两者一致吗？[y/n]{" "}
start-fingerprints-differ = 指纹不一致，因此没有向 { $server } 发送任何内容；再次连接之前，请先询问管理员
start-answer-no = 否
start-yes-or-no = 请回答 y 或 n
start-not-utf8 = 回答不是 UTF-8 编码；请改用 UTF-8

## 账号

start-ask-name-again = 用户名 [{ $last }]：
start-ask-register = 没有账号 { $user }，或者密码不对。{ $user } 是新账号吗？要用这个密码注册吗？[y/n]{" "}
start-name-exists = { $user } 已有账号，所以刚才的密码不对
start-ask-invitation = 邀请码：
start-ask-try-again = 再试一次吗？[y/n]{" "}
start-registered = 账号已注册；直接输入的行会发给所有人，/help 列出所有命令
start-waiting = 服务器要求稍候，仍在尝试
