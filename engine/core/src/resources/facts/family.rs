//! Which family a distribution is of, as Ansible counts them.

/// Families, and their distributions between bars.
const FAMILIES: [(&str, &str); 11] = [
    (
        "RedHat",
        "RedHat|RHEL|Fedora|CentOS|Scientific|SLC|Ascendos|CloudLinux|PSBM|OracleLinux|OVS|OEL|Amazon|Amzn|\
         Virtuozzo|XenServer|Alibaba|EulerOS|openEuler|AlmaLinux|Rocky|TencentOS|EuroLinux|\
         Kylin Linux Advanced Server|MIRACLE",
    ),
    (
        "Debian",
        "Debian|Ubuntu|Raspbian|Neon|KDE neon|Linux Mint|SteamOS|Devuan|Kali|Cumulus Linux|Pop!_OS|Parrot|\
         Pardus GNU/Linux|Uos|Deepin|OSMC|Linux Mint Debian Edition",
    ),
    (
        "Suse",
        "SuSE|SLES|SLED|openSUSE|openSUSE Tumbleweed|SLES_SAP|SUSE_LINUX|openSUSE Leap|ALP-Dolomite|SL-Micro|\
         openSUSE MicroOS",
    ),
    ("Archlinux", "Archlinux|Antergos|Manjaro"),
    ("Mandrake", "Mandrake|Mandriva"),
    ("Slackware", "Slackware"),
    ("Altlinux", "Altlinux"),
    ("SMGL", "SMGL"),
    ("Gentoo", "Gentoo|Funtoo"),
    ("Alpine", "Alpine"),
    ("ClearLinux", "Clear Linux OS|Clear Linux Mix"),
];

/// The family of a distribution; one that is in none is its own.
pub(super) fn family(name: &str) -> String {
    FAMILIES.iter().find(|(_, names)| names.split('|').any(|known| known == name)).map_or(name, |(family, _)| family).to_string()
}

#[cfg(test)]
mod tests {
    use super::family;

    #[test]
    fn each_is_of_its_family() {
        for (name, of) in [
            ("MIRACLE", "RedHat"),
            ("Kylin Linux Advanced Server", "RedHat"),
            ("Linux Mint Debian Edition", "Debian"),
            ("KDE neon", "Debian"),
            ("openSUSE MicroOS", "Suse"),
            ("Alpine", "Alpine"),
            ("Wolfi", "Wolfi"),
        ] {
            assert_eq!(family(name), of);
        }
    }
}
