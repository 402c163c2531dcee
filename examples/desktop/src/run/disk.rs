//! Files that the window reads and writes: its settings, the known servers, and text files that are dropped on it.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use chat_cli::desktop::LastLogins;
use chat_core::text::Text;
use chat_net::trust::KnownServers;

use super::Teller;
use crate::model::conversation::Partner;
use crate::model::exchange::{FileProblem, Happening, KnownServer};

/// The servers of the last log-ins, the last one first, and then the others whose fingerprints are remembered. A file that
/// cannot be read suggests nothing: a log-in says what is wrong with it.
pub fn servers(known_servers: &Path, logins: &LastLogins) -> Vec<KnownServer> {
    let mut known = KnownServers::open(known_servers).and_then(|store| store.all()).unwrap_or_default();
    let mut servers: Vec<KnownServer> = Vec::new();
    for (server, user) in logins.servers() {
        let place = known.iter().position(|(known, _)| known == server);
        let fingerprint = place.map(|place| known.remove(place).1);
        servers.push(KnownServer { server: server.clone(), user: Some(user.clone()), fingerprint });
    }
    let others = known.into_iter();
    servers.extend(others.map(|(server, shown)| KnownServer { server, user: None, fingerprint: Some(shown) }));
    servers
}

/// Replaces the file of settings as a whole, so that a full disk leaves the settings so far. The file has no secrets.
pub(super) fn save(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    // The process id keeps two windows apart.
    let new = file.with_extension(format!("new-{}", std::process::id()));
    let written = File::create(&new).and_then(|mut new| new.write_all(text.as_bytes()).and_then(|()| new.sync_all()));
    written.and_then(|()| fs::rename(&new, file)).inspect_err(|_| {
        // The error that is returned matters more.
        drop(fs::remove_file(&new));
    })
}

/// Reads a dropped file beside everything else, because its disk may be slow or gone.
pub(super) fn read(partner: Partner, path: PathBuf, tell: Teller<Happening>) {
    tokio::spawn(async move {
        let text = tokio::task::spawn_blocking(move || text_of(&path)).await;
        // The task does not panic: a panic ends the program.
        if let Ok(text) = text {
            tell.tell(Happening::FileRead { partner, text }).await;
        }
    });
}

/// The text of a file, if it is a text that a message could have.
fn text_of(path: &Path) -> Result<String, FileProblem> {
    let unreadable = |error: io::Error| FileProblem::Unreadable {
        name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        reason: error.to_string(),
    };
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(FileProblem::NoText);
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(Text::MAX_BYTES).unwrap_or(u64::MAX);
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.is_empty() || bytes.len() > Text::MAX_BYTES || bytes.contains(&0) {
        return Err(FileProblem::NoText);
    }
    let text = String::from_utf8(bytes).map_err(|_| FileProblem::NoText)?;
    // Editors of Windows begin a file with this mark.
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

#[cfg(test)]
mod tests {
    use chat_net::identity::Fingerprint;

    use super::*;

    #[test]
    fn only_text_files_that_fit_a_message_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let text = |content: &[u8]| {
            let path = folder.path().join("file.txt");
            fs::write(&path, content).unwrap();
            text_of(&path)
        };
        assert_eq!(text("\u{feff}你好\r\n".as_bytes()), Ok("你好\r\n".to_owned()));
        assert_eq!(text(&vec![b'x'; Text::MAX_BYTES]).map(|text| text.len()), Ok(Text::MAX_BYTES));
        for wrong in [&vec![b'x'; Text::MAX_BYTES + 1][..], b"", b"PNG\0", &[0xff, 0xfe, 0x41]] {
            assert_eq!(text(wrong), Err(FileProblem::NoText));
        }
        assert_eq!(text_of(folder.path()), Err(FileProblem::NoText));
        let gone = text_of(&folder.path().join("gone.txt"));
        assert!(matches!(&gone, Err(FileProblem::Unreadable { name, .. }) if name == "gone.txt"), "{gone:?}");
    }

    #[test]
    fn settings_that_cannot_be_written_leave_those_so_far() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sub/desktop-settings");
        save(&file, "one").unwrap();
        save(&file, "two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path().join("sub")).unwrap().count(), 1, "nothing else stays");
        // The folder is in the way of the new file.
        fs::create_dir(file.with_extension(format!("new-{}", std::process::id()))).unwrap();
        assert!(save(&file, "three").is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
    }

    #[test]
    fn known_servers_are_suggested() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known-servers");
        let shown = Fingerprint::new([7; 32]);
        let server = "lab".parse().unwrap();
        KnownServers::open(&path).unwrap().remember(&server, shown).unwrap();
        let logins = LastLogins::empty();
        assert_eq!(servers(&path, &logins), [KnownServer { server, user: None, fingerprint: Some(shown) }]);
        fs::write(&path, "nonsense").unwrap();
        assert_eq!(servers(&path, &logins), []);
    }
}
