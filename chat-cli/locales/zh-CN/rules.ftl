### 名字、内容、密码、邀请码和地址违反的规则。

name-empty = 用户名为空；需要 1 到 32 个字符
name-too-long = 用户名太长；最多 32 个字符
name-character = 用户名里有{ $character }；只能使用各种语言的文字和数字，以及“_”、“-”和“.”
name-mixed-scripts = 用户名混用了几种文字；请只用一种文字，中文、日文或韩文可以与拉丁字母混用
name-reserved = 这个用户名是保留名，或者与保留名（所有人、everyone、server）看上去相同；请换一个
name-direction = 用户名混用了不同的书写方向；请只用一个方向的文字
name-marks = 用户名以组合符号开头，或者一个字母上的组合符号超过四个或有重复；请以字母或数字开头，一个字母上最多放四个不同的组合符号
character-space = 空格
character-visible = “{ $character }”
character-invisible = 字符 U+{ $code }

text-empty = 内容为空；请输入要发送的内容
text-too-long = 内容太长（{ $bytes } 字节）；最多 16384 字节，请分几次发送
text-character = 内容里有控制字符 U+{ $code }；只允许换行和制表符

password-empty = 密码为空；需要 8 到 128 个字符
password-too-short = 密码太短；至少需要 8 个字符
password-too-long = 密码太长；最多 128 个字符
password-character = 密码里有控制字符或不可见字符；请使用字母、数字、空格和符号

invitation-length = 邀请码需要 8 到 64 个字符
invitation-character = 邀请码只能包含 ASCII 字母、数字和标点，不能有空格

fingerprint-form = 指纹是 64 位十六进制数字；`chat-server fingerprint` 会显示它

number-range = “{ $typed }”不符合要求；请写 { $min } 到 { $max } 之间的整数

address-empty = 服务器地址为空；请写成“主机:端口”，例如 192.168.1.5:7777
address-url = 服务器地址不能写成网址；请写成“主机:端口”，不要加 http://，例如 192.168.1.5:7777
address-no-host = 服务器地址里没有主机；请写成“主机:端口”，例如 192.168.1.5:7777
address-host = “{ $typed }”既不是主机名也不是 IP 地址；请写成“主机:端口”，例如 192.168.1.5:7777
address-port = “{ $typed }”不是端口；端口是 1 到 65535 之间的数字
address-brackets = 带端口的 IPv6 地址要写在方括号里，例如 [2001:db8::5]:7777
address-no-zone = { $ip } 是链路本地地址，因此需要网络接口的名字，例如 [{ $ip }%{ $example }]:7777
address-zone = { $ip } 不是链路本地地址，不需要指定网络接口；请去掉 % 及其后面的名字
address-not-advertised = 不能公布“{ $typed }”；请写一台机器的 IP 或 IP:端口，例如 192.168.1.5:40001
address-advertised-port = 不能公布“{ $typed }”：服务器只接受 { $lowest } 到 65535 之间的端口
address-advertised-zone = 不能公布“{ $typed }”：% 后面的名字在别的机器上没有意义；请去掉它

bind-address-empty = 地址为空；请写 IP:端口，例如 127.0.0.1:7777 或 [::]:7777
bind-address-no-port = 地址里没有端口；请写 IP:端口，例如 127.0.0.1:7777 或 [::]:7777
bind-address-brackets = 带端口的 IPv6 地址要写在方括号里，例如 [::]:7777
bind-address-host = “{ $typed }”不是 IP 地址；请写 IP:端口，例如 127.0.0.1:7777 或 [::]:7777
bind-address-port = “{ $typed }”不是端口；端口是 0 到 65535 之间的数字，0 表示由系统选择
