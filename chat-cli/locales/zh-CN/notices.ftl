### 通知。代码是去掉 `notice-` 的名字；docs/JSON.md 列出了所有代码。

notice-ended = 会话已结束：{ $reason }
notice-kicked = 服务器结束了会话：账号被停用或删除，或者密码被修改
notice-new-session = 服务器已没有原来的会话，因此开始了新的会话
notice-no-relay = 这台服务器不提供中转，因此消息只能送达可以直接连通的人
notice-no-relay-hidden = 这台服务器不提供中转，因此使用 --reach relay 时无法收发任何消息；请询问管理员，或者退出后改用 --reach auto（别人会看到你的地址）
notice-nobody-there = 没有别人在线，因此没有人收到这条消息
notice-password-changed = 密码已修改
notice-peer-answers = { $user } 恢复响应
notice-peer-misbehaved = { $user } 的程序违反了协议；在 { $user } 重新登录之前，不再向对方发送任何内容
notice-peer-no-address = 本机无法到达 { $user } 的任何地址，服务器也没有在双方之间中转，因此发给 { $user } 的消息都会失败；{ $user } 可以用 --advertise 指定一个地址
notice-peer-silent = { $user } 无响应，可能是防火墙的原因；仍在尝试
notice-peers-direct = 发给 { $users } 的消息又改为在两台机器之间直接传送
notice-peers-relayed = 无法直接连通 { $users }，消息改经服务器中转，仍然加密
notice-receive-buffer-small = UDP 接收缓冲区只有 { $granted } 字节，而不是 { $wanted } 字节；要调大，请运行：sysctl -w net.core.rmem_max={ $wanted }
notice-reconnected = 已重新连接到服务器
notice-reconnecting = 与服务器的连接中断；{ $seconds } 秒后重试，用户之间的消息仍能送达
notice-replaced = 这个账号已在别处登录，本会话已被取代
notice-server-key-changed = 服务器出示了另一把密钥：它的指纹原来是 { $known }，现在是 { $shown }；不会向它发送任何内容；请询问管理员（`chat-server fingerprint` 显示真正的指纹），如果密钥确实换了，请退出，运行 `chat-client forget`，然后重新登录
notice-server-stopping = 服务器正在停止；用户之间的消息仍能送达
notice-session-spent = 本会话的用户数已达到上限；要给现在上线的人发消息，请重新登录
notice-waiting = 正在等待 { $outcomes } 个尚未确定的结果；按 Ctrl-C 立即退出
note-nothing-sent = 输入为空，因此客户端随即下线；要保持在线并显示消息，请加上 --stay
