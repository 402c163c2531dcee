//! A data folder into which another user may have put keys.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::harness::{Home, assert_contains, finish, path_text, preload};

#[test]
fn a_folder_of_somebody_else_is_not_used() {
    let home = Home::new();
    let folder = home.join("data");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o777)).unwrap();
    let open = home.operate(&["fingerprint"]);
    assert_eq!((open.code, open.out.as_str()), (Some(3), ""));
    assert_contains(&open.err, &format!("error: every user can write the data folder {}, ", folder.display()));
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o770)).unwrap();
    let group = home.operate(&["fingerprint"]);
    assert_eq!(group.code, Some(0));
    assert_contains(&group.err, "other users can access the data folder");

    let other_owner = preload(
        &home,
        "other_owner",
        "#define _GNU_SOURCE\n#include <string.h>\n#include <sys/stat.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n\
         int statx(int folder, const char *path, int flags, unsigned int mask, struct statx *found) {\n\
         int result = syscall(SYS_statx, folder, path, flags, mask, found);\n\
         const char *name = strrchr(path, '/');\n\
         if (result == 0 && name && strcmp(name, \"/foreign\") == 0) found->stx_uid = 54321;\n\
         return result;\n}\n",
    );
    let mut command = home.command("chat-server");
    command.args(["--data-dir", path_text(&home.join("foreign")), "fingerprint"]);
    let foreign = finish(command.env("LD_PRELOAD", other_owner));
    assert_eq!((foreign.code, foreign.out.as_str()), (Some(3), ""));
    assert_contains(&foreign.err, "foreign belongs to another user (uid 54321), whose keys may be in it\nhint: ");
}

#[test]
fn a_symbolic_link_in_the_data_folder_is_refused_and_its_target_kept() {
    let home = Home::new();
    let (folder, precious) = (home.join("data"), home.join("precious"));
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
    fs::write(&precious, "content").unwrap();
    symlink(&precious, folder.join("lock")).unwrap();
    let refused = home.operate(&["--listen", "127.0.0.1:0"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(3), ""));
    assert_contains(&refused.err, "data cannot be used: its file 'lock' is a symbolic link; remove the link");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "content");
}
