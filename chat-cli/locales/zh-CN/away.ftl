### 暂时离开：`/away`、`/back`，以及别人看到的内容。

command-away = /away 内容
command-away-effect = 让别人看到你暂时离开；内容可以省略
command-back-effect = 让别人看到你回来了
user-away = { $user } 暂时离开了：{ $text }
user-away-silent = { $user } 暂时离开了
user-back = { $user } 回来了

## 用户列表里的状态

who-away = 暂时离开：{ $text }
who-away-silent = 暂时离开
roster-away = ，{ $away }

## 通知

notice-away = 你已设为暂时离开：{ $text }；回来后请输入 /back
notice-away-silent = 你已设为暂时离开；回来后请输入 /back
notice-back = 你已取消暂时离开
notice-peer-away = { $user } 暂时离开了：{ $text }
notice-peer-away-silent = { $user } 暂时离开了

## 错误

away-too-long = 离开说明太长（{ $bytes } 字节）；最多 128 字节
away-character = 离开说明包含控制字符 U+{ $code }；请输入一行普通文字
away-unsupported = 这台服务器版本太旧，不能让别人知道谁暂时离开；请管理员更新服务器程序
