//! The canonical form beside that of other languages.

use holdall::evidence::Json;
use holdall_testing::random::{Random, seed_from_env};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

#[test]
/// EVI-8
fn numbers_and_members_are_as_rfc_8785_has_them() {
    // Appendix B of RFC 8785: doubles by their bits, and how they are written.
    for (bits, written) in [
        (0x0000_0000_0000_0000_u64, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    ] {
        let value = serde_json::Value::from(f64::from_bits(bits));
        assert_eq!(Json::from_value(value).unwrap().canonical(), written, "{bits:x}");
    }
    // Section 3.2.3: by UTF-16 code units, in which a surrogate pair comes before U+FB33.
    let json = Json::parse(
        b"{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
    );
    let canonical = json.unwrap().canonical();
    let order: Vec<char> = canonical.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(order.iter().collect::<String>(), "21467153");
}

/// A random value as JSON text.
fn value(random: &mut Random, depth: u32) -> String {
    match random.number() % if depth > 3 { 5 } else { 7 } {
        0 => ["null", "true", "false"][(random.number() % 3) as usize].to_owned(),
        1 => format!("{}", (random.number() as i64) >> (11 + random.number() % 40)),
        2 => double(random),
        3 | 4 => text(random),
        5 => {
            let items: Vec<String> = (0..random.number() % 5).map(|_| value(random, depth + 1)).collect();
            format!("[{}]", items.join(", "))
        }
        _ => {
            let members = (0..random.number() % 6).map(|n| {
                let name = text(random);
                format!("{}{n}\": {}", &name[..name.len() - 1], value(random, depth + 1))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(" , "))
        }
    }
}

fn double(random: &mut Random) -> String {
    loop {
        let double = f64::from_bits(random.number());
        let is_exact = double.is_finite() && (double.abs() < 9e15 || double.abs() >= 1e21);
        if is_exact {
            return format!("{double:e}");
        }
    }
}

fn text(random: &mut Random) -> String {
    let characters = (0..random.number() % 8).map(|_| {
        let range = [0x80, 0x800, 0x1_0000, 0x11_0000][(random.number() % 4) as usize];
        char::from_u32((random.number() % range) as u32).unwrap_or('x')
    });
    serde_json::Value::from(characters.collect::<String>()).to_string()
}

/// Runs a program that reads JSON by lines and prints the canonical form of each.
fn others(mut program: Command, lines: &[String]) -> Vec<String> {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = lines.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[allow(clippy::print_stdout, reason = "the seed of a failure must be known")]
fn compare(program: Command) {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed:#x}");
    let mut random = Random::named(seed, "canonical");
    let lines: Vec<String> = (0..5000).map(|_| value(&mut random, 0)).collect();
    let theirs = others(program, &lines);
    assert_eq!(theirs.len(), lines.len());
    for (line, theirs) in lines.iter().zip(theirs) {
        let ours = Json::parse(line.as_bytes()).unwrap().checksum().to_hex();
        assert_eq!(ours, theirs, "{line}");
    }
}

const PYTHON: &str = "
import hashlib, json, sys, rfc8785
for line in sys.stdin.buffer.read().decode().split('\\n')[:-1]:
    print(hashlib.sha256(rfc8785.dumps(json.loads(line))).hexdigest())
";

/// `JSON.stringify` with members in the order of their UTF-16 code units is RFC 8785's own definition.
const JAVASCRIPT: &str = "
const crypto = require('crypto');
const canonical = value => {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return '[' + value.map(canonical).join(',') + ']';
  return '{' + Object.keys(value).sort().map(name => JSON.stringify(name) + ':' + canonical(value[name])).join(',') + '}';
};
for (const line of require('fs').readFileSync(0, 'utf8').split('\\n').slice(0, -1))
  console.log(crypto.createHash('sha256').update(canonical(JSON.parse(line))).digest('hex'));
";

#[test]
#[allow(clippy::print_stdout, reason = "what is not compared is said")]
/// EVI-8
fn python_finds_the_same_checksums() {
    let Some(python) = std::env::var_os("HOLDALL_TEST_PYTHON").filter(|path| !path.is_empty()) else {
        println!("NOTHING IS COMPARED: set HOLDALL_TEST_PYTHON to an interpreter with rfc8785");
        return;
    };
    let mut program = Command::new(python);
    program.args(["-c", PYTHON]);
    compare(program);
}

#[test]
#[allow(clippy::print_stdout, reason = "what is not compared is said")]
/// EVI-8
fn javascript_finds_the_same_checksums() {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let node: Option<PathBuf> =
        std::env::split_paths(&paths).map(|folder| folder.join("node")).find(|path| path.is_file());
    // Where ./test installs it, its absence is a fault.
    let Some(node) = node else {
        assert!(std::env::var_os("HOLDALL_TEST_PYTHON").is_none(), "no node is installed: see ./test");
        println!("NOTHING IS COMPARED: install node");
        return;
    };
    let mut program = Command::new(node);
    program.args(["-e", JAVASCRIPT]);
    compare(program);
}
