### `chat-client`：帮助、提问，以及使它结束的错误。

## 帮助

client-about = 在 chat 服务器上群发消息，或私聊某个用户
client-after-help =
    直接输入一行就发给所有人；“/msg 名字 内容”发给一个人；/help 列出所有命令。

    密码在终端上输入，也可以来自 --password-file 或环境变量 CHAT_PASSWORD，
    但绝不出现在命令行参数里。

    每个选项也可以用环境变量设置，或写在 --config 指定的文件里。

    退出码：
      0  消息全部送达
      1  有消息失败或未确认，或者输入中有错误的行
      2  参数错误
      3  无法连接或登录，或会话被服务器结束
      4  没有别人在线接收消息，且没有其他失败
     70  程序因错误（bug）而终止；请报告标准错误输出中的那一行
client-forget = 忘记一台服务器的指纹，下次连接时重新询问
option-config = 设置这些选项的 TOML 文件，选项名不带横线；参数和环境变量优先
option-server = 服务器，或共享名单的多台服务器（可重复，也可用逗号分隔）
argument-known-server = 要忘记的服务器
option-user = 你的用户名 [默认：在终端上询问]
option-register = 先注册账号
option-password-file = 第一行是密码的文件
option-invitation-file = 第一行是邀请码的文件，用于 --register [环境变量：CHAT_INVITATION_CODE 是邀请码本身]
option-udp = 接收消息的地址 [默认：[::]:0]
option-advertise = 别人向你发送消息时使用的地址，代替自动找到的地址（可重复，也可用逗号分隔）
option-reach = 消息可以走哪些途径到达别人 [默认：auto]
option-fingerprint = 只信任有这个指纹的服务器
option-accept-new = 不询问，直接信任并记住未知的服务器
option-ca = 如果服务器的证书由这个 PEM 文件里的证书颁发机构签发，就信任该服务器
option-known-servers = 记录已知服务器的文件 [默认：用户数据目录里的 known-servers]
option-format = 输出的格式 [默认：text]
option-input = 输入的格式 [默认：text]
option-color = 何时使用颜色 [默认：auto]
option-bell = 在终端上，收到私聊消息，或消息里用 @ 提到你时响铃
option-history = 记录你在终端上输入的内容（密码除外）的文件；none 表示不记录 [默认：用户数据目录里的 history]
option-stay = 输入结束后仍保持在线，直到收到信号；适合在没有终端时记录消息

## 提问

ask-user-name = 用户名：
answer-yes = 是
ask-password = 密码：
ask-current-password = 当前密码：
ask-new-password = 新密码：
ask-new-password-again = 再次输入新密码：
passwords-differ = 两次输入的密码不一致

## 缺少或矛盾的参数

client-no-server = 没有指定服务器
hint-server = 请用 --server 主机:端口 指定
client-no-user = 没有指定用户名
hint-user = 请用 --user 名字 指定
client-too-many-addresses = --advertise 指定了 { $count } 个地址；最多允许 { $max } 个
client-too-many-servers = 指定了 { $count } 台服务器；最多允许 { $max } 台
client-reach-conflict = --reach relay 不公开你的地址，而 --advertise 会公开一个地址
hint-reach-conflict = 请去掉其中一个；--reach auto 可以关闭环境变量或文件里的设置
client-reach-conflict-in-file = { $file } 用 reach = "relay" 隐藏了你的地址，又用 advertise 公开了地址
hint-reach-conflict-in-file = 请只保留其中一项
client-trust-conflict = --accept-new 表示信任任何服务器，不能与 --fingerprint 或 --ca 同时使用
hint-trust-conflict = 请只用其中一个；CHAT_ACCEPT_NEW=no 可以关闭环境变量或文件里的 --accept-new
client-trust-conflict-in-file = { $file } 同时设置了 fingerprint、accept-new 和 ca 中的多项
hint-trust-conflict-in-file = 请只保留一项：它们是信任服务器的不同方式
forget-unknown = { $server } 不在已知的服务器之列，无需忘记
forget-done = 已忘记 { $server }；下次连接时会重新询问它的指纹

## 关于连接的建议

hint-key-changed = 请询问管理员是否换了密钥；`chat-server fingerprint` 显示真正的指纹
hint-forget-key = 如果确实换了，请用 `{ $command }` 忘记旧的密钥
hint-forget-either-key = 如果其中一把密钥换了，请用 `{ $one }` 或 `{ $other }` 忘记旧的密钥；否则只写共享名单的服务器
hint-untrusted = 如果指纹正确，请加上 --fingerprint 指纹；要信任任何服务器，请加上 --accept-new
hint-known-servers = 请用 --known-servers 指定一个可写入的文件，或改用 --fingerprint（它不写文件）
hint-register = 要注册账号，请加上 --register
hint-no-register = 要登录，请去掉 --register
hint-name-taken = 如果这个账号是你的，请去掉 --register
hint-udp = 请用 --udp IP:端口 换一个地址
hint-by-fingerprint = 没有证书颁发机构时，用 --fingerprint 代替 --ca，按密钥识别服务器；在服务器上运行 `chat-server fingerprint` 可看到指纹
hint-certificate-time = 如果本机的时钟不对，请校准；否则请管理员更新证书
hint-certificate-authority = 请用 --ca 指定签发机构的证书文件；如果文件没错，就是服务器的证书文件缺少中间证书：请联系管理员
hint-certificate-host = 请按证书上的名字填写 --server，或请管理员换成这个名字的证书
hint-certificate-other = 请管理员更换证书
