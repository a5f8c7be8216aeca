//! A small lake: `ops.flights` with a row filter for partners, `ref.airlines` for all, `hr.pay` for the staff alone.

use std::{fs, path::Path};

pub const POLICY: &str = r#"
stewards = ["group:stewards"]
[[grant]]
to = ["group:staff"]
on = ["*"]
[[grant]]
to = ["group:owners-ops"]
on = ["ops.*"]
may = ["read", "upload", "own"]
[[grant]]
to = ["group:partners"]
on = ["ops.flights"]
rows = "carrier = claim('carrier')"
mask = { tailnum = "hash" }
[[grant]]
to = ["group:partners"]
on = ["ref.airlines"]
"#;

const FILES: [(&str, &str); 3] = [
    ("ops/flights/a.csv", "carrier,flight,tailnum,distance\nUA,1,N1,100\nUA,2,N2,200\nDL,3,N3,300\nAA,4,N4,400\n"),
    ("ref/airlines/a.csv", "carrier,name\nUA,United\nDL,Delta\nAA,American\n"),
    ("hr/pay/a.csv", "person,amount\ncanary-person,4711\n"),
];

/// Writes policy and landing files.
pub fn write(folder: &Path) {
    fs::write(folder.join("policy.toml"), POLICY).unwrap();
    for (name, text) in FILES {
        let path = folder.join("landing").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
