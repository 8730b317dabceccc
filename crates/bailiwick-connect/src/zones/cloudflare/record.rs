//! One record as Cloudflare's API spells it: `content` as in a zone file, without the dot at the end of a
//! name, and `data` with parts for types that have them.

use bailiwick_core::records::{OwnerName, RecordEdit, RecordType};
use bailiwick_core::shown::shown;
use bailiwick_wire::dns::{Origin, WireName, rdata_text, read_rdata, txt_rdata};
use serde_json::{Map, Value, json};

/// What `ttl` 1, automatic, is served with.
const AUTOMATIC_SECONDS: u32 = 300;

/// A record that stands there.
pub(super) struct Held {
    pub(super) id: String,
    pub(super) ttl_seconds: u32,
    pub(super) rdata: Vec<u8>,
}

/// Whether a record belongs to a set.
pub(super) fn is_of(record: &Value, owner: &OwnerName, kind: RecordType) -> bool {
    let name = text(record, "name").trim_end_matches('.').to_ascii_lowercase();
    name == owner.to_string() && RecordType::parse(text(record, "type")) == Some(kind)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Reads a record of this type.
pub(super) fn read(kind: RecordType, record: &Value) -> Result<Held, String> {
    if record.get("proxied") == Some(&Value::Bool(true)) {
        return Err("it is proxied, so what is served is not what stands there; turn that off, or leave it to the API's own pages".to_owned());
    }
    let id = text(record, "id");
    if id.is_empty() {
        return Err("a record without `id`".to_owned());
    }
    let ttl = record.get("ttl").and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
    let ttl = ttl.ok_or("a record without `ttl`")?;
    let ttl_seconds = if ttl == 1 { AUTOMATIC_SECONDS } else { ttl };
    let rdata = rdata(kind, record)?;
    Ok(Held { id: id.to_owned(), ttl_seconds, rdata })
}

fn rdata(kind: RecordType, record: &Value) -> Result<Vec<u8>, String> {
    let content = text(record, "content");
    let data = record.get("data").and_then(Value::as_object);
    let part = |key: &str| -> Result<String, String> {
        match data.and_then(|data| data.get(key)) {
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) | None => Err(format!("a {kind} record without `data.{key}`")),
        }
    };
    let spelled = match kind {
        // Older records stand there without quotes, one string each.
        RecordType::TXT if !content.starts_with('"') => return Ok(txt_rdata(content.as_bytes())),
        RecordType::A | RecordType::AAAA | RecordType::TXT => content.to_owned(),
        RecordType::CNAME | RecordType::NS | RecordType::PTR => absolute(content),
        RecordType::MX => {
            let priority = record.get("priority").and_then(Value::as_u64);
            let priority = priority.ok_or("an MX record without `priority`")?;
            format!("{priority} {}", absolute(content))
        }
        RecordType::SRV => {
            let target = absolute(&part("target")?);
            format!("{} {} {} {target}", part("priority")?, part("weight")?, part("port")?)
        }
        RecordType::TLSA => {
            let (usage, selector) = (part("usage")?, part("selector")?);
            format!("{usage} {selector} {} {}", part("matching_type")?, part("certificate")?)
        }
        RecordType::CAA => {
            let flags: u8 = part("flags")?.parse().map_err(|_| "`data.flags` of a CAA record")?;
            return caa(flags, &part("tag")?, &part("value")?);
        }
        _ => return Err(format!("records of type {kind} are not read through this API")),
    };
    let root = WireName::default();
    let read = read_rdata(kind, &spelled, Origin::Appended(&root));
    read.map_err(|cause| format!("`{}`: {cause}", shown(&spelled)))
}

/// RFC 8659, section 4.1.
fn caa(flags: u8, tag: &str, value: &str) -> Result<Vec<u8>, String> {
    let length = u8::try_from(tag.len()).map_err(|_| "`data.tag` of a CAA record")?;
    Ok([&[flags, length], tag.as_bytes(), value.as_bytes()].concat())
}

fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

/// A record of an edit as the API takes it; nothing where this door does not know the type.
pub(super) fn spelled(edit: &RecordEdit, ttl: u32, rdata: &[u8], note: &str) -> Option<Value> {
    let kind = edit.kind();
    let line = rdata_text(kind, rdata);
    let mut record = Map::new();
    record.insert("name".to_owned(), json!(edit.owner().to_string()));
    record.insert("type".to_owned(), json!(kind.to_string()));
    record.insert("ttl".to_owned(), json!(ttl));
    record.insert("comment".to_owned(), json!(note));
    let mut words = line.split(' ');
    let mut word = || words.next().unwrap_or_default();
    let number = |word: &str| word.parse::<u16>().ok();
    let (key, value) = match kind {
        RecordType::A | RecordType::AAAA | RecordType::TXT => ("content", json!(line)),
        RecordType::CNAME | RecordType::NS | RecordType::PTR => ("content", json!(relative(&line))),
        RecordType::MX => {
            record.insert("priority".to_owned(), json!(number(word())?));
            ("content", json!(relative(word())))
        }
        RecordType::SRV => {
            let (priority, weight, port) = (number(word())?, number(word())?, number(word())?);
            let target = relative(word());
            let data =
                json!({ "priority": priority, "weight": weight, "port": port, "target": target });
            ("data", data)
        }
        RecordType::TLSA => {
            let (usage, selector, matching) = (number(word())?, number(word())?, number(word())?);
            let certificate: String = words.collect();
            let data = json!({ "usage": usage, "selector": selector, "matching_type": matching, "certificate": certificate.to_ascii_lowercase() });
            ("data", data)
        }
        RecordType::CAA => {
            let [flags, length, rest @ ..] = rdata else { return None };
            let (tag, value) = rest.split_at_checked(usize::from(*length))?;
            let [tag, value] = [tag, value].map(|part| std::str::from_utf8(part).ok());
            ("data", json!({ "flags": flags, "tag": tag?, "value": value? }))
        }
        _ => return None,
    };
    record.insert(key.to_owned(), value);
    Some(Value::Object(record))
}

fn relative(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
