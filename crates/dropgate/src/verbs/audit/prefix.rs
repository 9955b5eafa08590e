//! How the paths of findings begin, so that they lead from where the user is.

use std::path::{Component, Path};

/// The folder of what is analysed, with a slash at its end; empty for the folder where the user is.
pub(super) fn of(path: &Path) -> String {
    let folder = if path.is_file() {
        path.parent().unwrap_or(Path::new(""))
    } else {
        path
    };
    let mut prefix = String::new();
    for part in folder.components() {
        match part {
            Component::CurDir => {}
            Component::RootDir => prefix.push('/'),
            Component::Prefix(_) | Component::ParentDir | Component::Normal(_) => {
                prefix.push_str(&part.as_os_str().to_string_lossy());
                prefix.push('/');
            }
        }
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_where_the_user_is() {
        for (path, prefix) in [
            (".", ""),
            ("./server/", "server/"),
            ("../a", "../a/"),
            ("/srv/a", "/srv/a/"),
        ] {
            assert_eq!(of(Path::new(path)), prefix, "{path}");
        }
    }
}
