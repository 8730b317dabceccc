//! What the figures were measured on.

use std::path::Path;

/// One line: cores, memory, kernel, file system of `folder`, and what else ran.
pub(super) fn describe(folder: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu =
        field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown CPU".to_owned());
    let memory = field(&read("/proc/meminfo"), "MemTotal").and_then(|text| gib(&text));
    let memory = memory.map_or_else(|| "unknown memory".to_owned(), |gib| format!("{gib} GiB"));
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.trim().split('-').next().unwrap_or_default();
    let disk = file_system(&read("/proc/mounts"), folder);
    let disk = disk.unwrap_or_else(|| "an unknown file system".to_owned());
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("?");
    format!("{cores} cores ({cpu}), {memory}, Linux {kernel}, {disk}, load {load} when it began")
}

/// The value of the first line `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

fn gib(text: &str) -> Option<u64> {
    let kib: u64 = text.strip_suffix("kB")?.trim().parse().ok()?;
    Some((kib + 512 * 1024) / (1024 * 1024))
}

/// The type of the deepest mount around a path.
fn file_system(mounts: &str, path: &Path) -> Option<String> {
    let around = mounts.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (point, kind) = (words.next()?, words.next()?);
        path.starts_with(point).then_some((point, kind))
    });
    around.max_by_key(|(point, _)| point.len()).map(|(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmpfiles xfs rw 0 0\n";
        let of = |path: &str| file_system(mounts, Path::new(path));
        assert_eq!(of("/tmp/bench").as_deref(), Some("tmpfs"));
        assert_eq!(of("/tmpfiles/bench").as_deref(), Some("xfs"));
        assert_eq!(of("/home").as_deref(), Some("ext4"));
    }

    #[test]
    fn fields_are_found_by_name() {
        let text = "processor\t: 0\nmodel name\t: A CPU: fast\nmodel name\t: other\n";
        assert_eq!(field(text, "model name").as_deref(), Some("A CPU: fast"));
        assert_eq!(gib("24684084 kB"), Some(24));
    }
}
