//! Values that must not come out, in every form in which they could.

pub(crate) const KEY_ID: &str = "AKIDCANARYQZ0001";
pub(crate) const SECRET: &str = "SECRETCANARYq0/zz+7Kx";
pub(crate) const TOKEN: &str = "TOKENCANARY/w9==zzzz";
pub(crate) const SSE_KEY: &[u8; 32] = b"SSECCANARY-0123456789-SSECCANARY";
/// Its base64, as the header has it.
pub(crate) const SSE_BASE64: &str = "U1NFQ0NBTkFSWS0wMTIzNDU2Nzg5LVNTRUNDQU5BUlk=";
pub(crate) const PROXY_PASSWORD: &str = "PROXYCANARYhunter2";
/// `user:` and the password in base64, without what depends on its neighbours.
const PROXY_BASE64: &str = "dXNlcjpQUk9YWUNBTkFSWWh1bnRlcj";
pub(crate) const URL_PASSWORD: &str = "URLCANARYpa/ss";

pub(crate) fn all() -> Vec<(&'static str, String)> {
    let bytes = format!("{SSE_KEY:?}");
    let table = [
        ("the access key's id", KEY_ID),
        ("the secret key", SECRET),
        ("the secret key's beginning", "SECRETCANARY"),
        ("the session token", TOKEN),
        ("the session token's beginning", "TOKENCANARY"),
        ("the customer's key", "SSECCANARY"),
        ("the customer's key in base64", &SSE_BASE64[..24]),
        ("the customer's key as numbers", &bytes[1..40]),
        ("the proxy's password", "PROXYCANARY"),
        ("the proxy's password in base64", PROXY_BASE64),
        ("a password in a URL", "URLCANARY"),
    ];
    table.map(|(what, canary)| (what, canary.to_owned())).to_vec()
}
