//! GetObjectLockConfiguration.

use super::subresource::Subresource;
use crate::client::Client;
use crate::error::Result;
use crate::xml::Element;

/// How long new objects of a bucket are kept from being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultRetention {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// For so many days, where it is counted in days.
    pub days: Option<u32>,
    /// For so many years, where it is counted in years.
    pub years: Option<u32>,
}

/// A bucket whose objects can be locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectLock {
    /// What new objects get without asking.
    pub default: Option<DefaultRetention>,
}

const OBJECT_LOCK: Subresource = Subresource {
    query: "object-lock",
    get: "GetObjectLockConfiguration",
    put: "PutObjectLockConfiguration",
    delete: "",
    roots: &["ObjectLockConfiguration"],
    absent: &["ObjectLockConfigurationNotFoundError"],
};

impl Client {
    /// Asks whether objects of the bucket can be locked; none when they cannot.
    pub async fn object_lock(&self) -> Result<Option<ObjectLock>> {
        Ok(self.configuration(&OBJECT_LOCK).await?.as_ref().and_then(of_root))
    }
}

fn of_root(root: &Element) -> Option<ObjectLock> {
    if root.text_of("ObjectLockEnabled") != Some("Enabled") {
        return None;
    }
    let retention = root.child("Rule").and_then(|rule| rule.child("DefaultRetention"));
    // Zero years besides days, as moto says it, are none.
    let number = |element: &Element, name| {
        element.text_of(name).and_then(|text| text.trim().parse().ok()).filter(|n| *n > 0)
    };
    let default = retention.map(|element| DefaultRetention {
        mode: element.text_of("Mode").unwrap_or("").to_owned(),
        days: number(element, "Days"),
        years: number(element, "Years"),
    });
    Some(ObjectLock { default })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_retention_is_read() {
        let xml = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>\
            <DefaultRetention><Mode>GOVERNANCE</Mode><Days>3</Days></DefaultRetention></Rule>\
            </ObjectLockConfiguration>";
        let default = DefaultRetention { mode: "GOVERNANCE".to_owned(), days: Some(3), years: None };
        let wanted = ObjectLock { default: Some(default) };
        assert_eq!(of_root(&Element::parse(xml).unwrap()), Some(wanted));
        assert_eq!(of_root(&Element::named("ObjectLockConfiguration")), None);
    }
}
