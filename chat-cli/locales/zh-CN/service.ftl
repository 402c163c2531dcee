### 作为 Windows 服务运行的服务器。

## 帮助

server-install-service = 仅限 Windows：用这些选项把服务器安装为 Windows 服务，并启动它
server-install-service-long =
    选项写在命令之前：chat-server --listen "[::]:7777" install-service。
    没有 --data-dir 时，服务的数据目录是 %ProgramData%\chat-server。
    服务以 LocalService 帐户运行。其他系统有自己的服务管理程序，例如 systemd。
server-uninstall-service = 仅限 Windows：停止并删除这个 Windows 服务；数据目录会保留
server-run-service = Windows 作为服务运行的命令
server-serve-until-input-ends = 服务所运行的命令：标准输入结束时停止的服务器
server-option-service-log = 保存服务器标准错误输出的文件
server-option-service-arguments = 服务器的参数

## 结果

service-runs = Windows 服务 chat-server 正在运行，并会随 Windows 启动
service-log = 日志 { $file }
note-service-folder = 执行其他命令时，请指定它的数据目录：chat-server --data-dir "{ $file }" status
note-service-firewall = 防火墙不会就 Windows 服务询问您；要让别人连接，请执行：netsh advfirewall firewall add rule name=chat-server dir=in action=allow protocol=TCP localport={ $value }
service-removed = Windows 服务 chat-server 已删除；它的数据目录保留

## 拒绝

service-elsewhere = 只有 Windows 才有这种服务
hint-service-elsewhere = 请使用 packaging/chat-server.service 中的 systemd 单元，或本系统的其他服务管理程序
service-not-allowed = 只有管理员才能安装或删除 Windows 服务
hint-service-not-allowed = 请用“以管理员身份运行”打开终端，再执行这个命令
service-exists = Windows 服务 chat-server 已存在
hint-service-exists = 要更改它的选项，请先删除它：chat-server uninstall-service
service-missing = 没有 Windows 服务 chat-server
hint-service-missing = 请先安装：chat-server install-service
service-being-removed = Windows 还在删除服务 chat-server
hint-service-being-removed = 请关闭所有显示服务的窗口，再执行这个命令
service-silent = Windows 服务 chat-server 没有进入所要求的状态
hint-service-silent = 用 sc.exe query chat-server 查看它的状态
service-only-by-system = 这个命令只能由 Windows 自己启动
service-refused = 无法安装、启动或删除 Windows 服务 chat-server：{ $detail }
hint-service-refused = LocalService 帐户必须能读取这个程序：请把它移到 C:\Program Files\chat 之类的目录
service-ended = Windows 服务 chat-server 已安装，但它的服务器没有运行；原因见 { $file }
hint-service-ended = 请用 chat-server uninstall-service 删除它，再用别的选项安装
service-secret = 环境变量 { $variable } 已设置，但 Windows 服务读不到它
hint-service-roster = 请把 URL 写进 LocalService 能读取的文件，并用 --roster-file 指定该文件；或取消这个变量
hint-service-database = 请把 URL 写入 LocalService 能读取的文件，并用 --database-file 指定该文件；或者取消这个变量
hint-service-invitation = 请把 invitation-code 写入 LocalService 能读取的文件，并用 --config 指定该文件；或者取消这个变量
