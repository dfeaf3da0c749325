//! One lifecycle rule: the XML it was read from, and what is understood of it.

use crate::xml::Element;

/// Which objects a lifecycle rule is about: those that have the prefix and all the tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleFilter {
    /// How their keys begin; empty for every key.
    pub prefix: String,
    /// Tags that they have, as name and value.
    pub tags: Vec<(String, String)>,
}

/// Where objects go, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Days after they were made; none when the rule names a date.
    pub days: Option<u32>,
    /// The storage class.
    pub class: String,
}

/// A rule of a bucket's lifecycle.
///
/// A rule that was read keeps everything that the server said, understood or not. Two rules are equal when they mean
/// the same, whatever the order and the form that a server gives to their parts.
#[derive(Debug, Clone)]
pub struct LifecycleRule(Element);

impl LifecycleRule {
    /// A rule that holds for these objects and does nothing yet.
    pub fn new(id: &str, filter: &LifecycleFilter) -> Self {
        let status = Element::of_text("Status", "Enabled");
        Self(Element::of("Rule", [Element::of_text("ID", id), filter.element(), status]))
    }

    /// Deletes objects this many days after they were made; in a bucket with versions, by a delete marker.
    pub fn expire(self, days: u32) -> Self {
        self.with("Expiration", "Days", days)
    }

    /// Deletes versions for good, this many days after they were replaced or deleted.
    pub fn expire_noncurrent(self, days: u32) -> Self {
        self.with("NoncurrentVersionExpiration", "NoncurrentDays", days)
    }

    /// Of the versions that [`expire_noncurrent`](Self::expire_noncurrent) deletes, keeps so many of each key, the newest.
    /// Some servers drop it (Ceph 16), and then delete these as well.
    pub fn keep_noncurrent(mut self, versions: u32) -> Self {
        let action = "NoncurrentVersionExpiration";
        if let Some(action) = self.0.children.iter_mut().find(|child| child.name == action) {
            action.children.retain(|child| child.name != "NewerNoncurrentVersions");
            action.children.push(Element::of_text("NewerNoncurrentVersions", versions.to_string()));
        }
        self
    }

    /// Aborts uploads that are not completed this many days after they were begun.
    pub fn abort_uploads(self, days: u32) -> Self {
        self.with("AbortIncompleteMultipartUpload", "DaysAfterInitiation", days)
    }

    /// Moves objects to a storage class this many days after they were made.
    pub fn transition(mut self, days: u32, class: &str) -> Self {
        let parts = [Element::of_text("Days", days.to_string()), Element::of_text("StorageClass", class)];
        self.0.children.push(Element::of("Transition", parts));
        self
    }

    /// The same rule out of force: a server keeps it, and does nothing by it.
    pub fn disabled(mut self) -> Self {
        self.0.children.retain(|child| child.name != "Status");
        self.0.children.push(Element::of_text("Status", "Disabled"));
        self
    }

    fn with(mut self, action: &str, field: &str, days: u32) -> Self {
        self.0.children.retain(|child| child.name != action);
        self.0.children.push(Element::of(action, [Element::of_text(field, days.to_string())]));
        self
    }

    pub(super) fn of_element(element: Element) -> Self {
        Self(element)
    }

    pub(super) fn element(&self) -> &Element {
        &self.0
    }

    /// The rule's name, unique in its bucket; servers give one to a rule that has none.
    pub fn id(&self) -> &str {
        self.0.text_of("ID").unwrap_or("")
    }

    /// Whether the rule is in force.
    pub fn is_enabled(&self) -> bool {
        self.0.text_of("Status") == Some("Enabled")
    }

    /// What is understood of the objects that the rule is about.
    pub fn filter(&self) -> LifecycleFilter {
        let parts = filter_parts(&self.0);
        let prefix = parts.iter().find(|part| part.name == "Prefix");
        let tag = |part: &&Element| {
            let text = |name| part.text_of(name).unwrap_or("").to_owned();
            (part.name == "Tag").then(|| (text("Key"), text("Value")))
        };
        LifecycleFilter {
            prefix: prefix.map_or_else(String::new, |part| part.text.clone()),
            tags: parts.iter().filter_map(tag).collect(),
        }
    }

    /// Days until objects are deleted.
    pub fn expire_days(&self) -> Option<u32> {
        days(self.0.child("Expiration")?, "Days")
    }

    /// Days until versions that are no longer current are deleted for good.
    pub fn expire_noncurrent_days(&self) -> Option<u32> {
        days(self.0.child("NoncurrentVersionExpiration")?, "NoncurrentDays")
    }

    /// How many versions of a key are kept of those that are no longer current.
    pub fn noncurrent_kept(&self) -> Option<u32> {
        days(self.0.child("NoncurrentVersionExpiration")?, "NewerNoncurrentVersions")
    }

    /// Days until an upload that is not completed is aborted.
    pub fn abort_uploads_days(&self) -> Option<u32> {
        days(self.0.child("AbortIncompleteMultipartUpload")?, "DaysAfterInitiation")
    }

    /// Where objects go as they age.
    pub fn transitions(&self) -> Vec<Transition> {
        let of = |element: &Element| Transition {
            days: days(element, "Days"),
            class: element.text_of("StorageClass").unwrap_or("").to_owned(),
        };
        self.0.each("Transition").map(of).collect()
    }

    /// Whether the rule says more than these methods tell.
    pub fn has_more(&self) -> bool {
        let mut told = Self::new(self.id(), &self.filter());
        if !self.is_enabled() {
            told = told.disabled();
        }
        if let Some(days) = self.expire_days() {
            told = told.expire(days);
        }
        if let Some(days) = self.expire_noncurrent_days() {
            told = told.expire_noncurrent(days);
        }
        if let Some(versions) = self.noncurrent_kept() {
            told = told.keep_noncurrent(versions);
        }
        if let Some(days) = self.abort_uploads_days() {
            told = told.abort_uploads(days);
        }
        for transition in self.transitions() {
            told = told.transition(transition.days.unwrap_or(0), &transition.class);
        }
        told != *self
    }
}

impl PartialEq for LifecycleRule {
    fn eq(&self, other: &Self) -> bool {
        normal(&self.0) == normal(&other.0)
    }
}

impl Eq for LifecycleRule {}

impl LifecycleFilter {
    /// Every object whose key begins so.
    pub fn prefix(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), tags: Vec::new() }
    }

    fn element(&self) -> Element {
        let prefix = Element::of_text("Prefix", &self.prefix);
        let tag = |(key, value): &(String, String)| {
            Element::of("Tag", [Element::of_text("Key", key), Element::of_text("Value", value)])
        };
        let mut tags: Vec<Element> = self.tags.iter().map(tag).collect();
        let inner = match (self.prefix.is_empty(), tags.len()) {
            (_, 0) => prefix,
            (true, 1) => tags.remove(0),
            (true, _) => Element::of("And", tags),
            (false, _) => Element::of("And", std::iter::once(prefix).chain(tags)),
        };
        Element::of("Filter", [inner])
    }
}

fn days(action: &Element, field: &str) -> Option<u32> {
    action.text_of(field)?.trim().parse().ok()
}

/// The parts of a rule's filter, in whichever of three forms they are: bare, in a filter, or in its `And`.
fn filter_parts(rule: &Element) -> Vec<&Element> {
    let bare = rule.each("Prefix");
    let filter = rule.each("Filter").flat_map(|filter| &filter.children);
    let of = |part: &'_ Element| part.name == "And";
    let (and, single): (Vec<&Element>, Vec<&Element>) = filter.partition(|part| of(part));
    bare.chain(single).chain(and.into_iter().flat_map(|and| &and.children)).collect()
}

/// A rule in one form of the many that mean the same.
fn normal(rule: &Element) -> Element {
    let parts = filter_parts(rule).into_iter().filter(|part| part.name != "Prefix" || !part.text.is_empty());
    let filter = sorted(Element::of("Filter", parts.cloned()));
    let rest = rule.children.iter().filter(|child| child.name != "Prefix" && child.name != "Filter");
    sorted(Element::of("Rule", rest.cloned().chain([filter])))
}

fn sorted(mut element: Element) -> Element {
    element.children = element.children.into_iter().map(sorted).collect();
    element.children.sort();
    element.text = element.text.trim().to_owned();
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(xml: &str) -> LifecycleRule {
        LifecycleRule(Element::parse(format!("<Rule>{xml}</Rule>").as_bytes()).unwrap())
    }

    #[test]
    fn what_is_built_reads_back() {
        let tags = vec![("k".to_owned(), "v".to_owned())];
        for (prefix, tags) in [("", vec![]), ("a/", vec![]), ("", tags.clone()), ("a/", tags)] {
            let filter = LifecycleFilter { prefix: prefix.to_owned(), tags };
            let rule = LifecycleRule::new("r", &filter).expire(3).abort_uploads(7).expire_noncurrent(9);
            let rule = rule.transition(30, "GLACIER").expire(4);
            assert_eq!((rule.id(), rule.is_enabled(), rule.filter()), ("r", true, filter));
            assert_eq!((rule.expire_days(), rule.abort_uploads_days()), (Some(4), Some(7)));
            assert_eq!((rule.expire_noncurrent_days(), rule.noncurrent_kept()), (Some(9), None));
            let kept = rule.clone().keep_noncurrent(3).keep_noncurrent(2);
            assert_eq!((kept.noncurrent_kept(), kept.has_more()), (Some(2), false));
            assert_ne!(kept, rule);
            let there = Transition { days: Some(30), class: "GLACIER".to_owned() };
            assert_eq!(rule.transitions(), [there]);
            assert!(!rule.has_more());
        }
    }

    #[test]
    fn the_forms_of_servers_mean_the_same() {
        let aws = rule("<ID>a</ID><Filter><Prefix/></Filter><Status>Enabled</Status>");
        let ceph = rule("<ID>a</ID><Prefix></Prefix><Status>Enabled</Status>");
        assert_eq!(aws, ceph);
        let tag = "<Tag><Key>k</Key><Value>v</Value></Tag>";
        let aws = rule(&format!("<ID>b</ID><Filter><And><Prefix>x/</Prefix>{tag}</And></Filter>"));
        let ceph = rule(&format!("<Filter><Prefix>x/</Prefix>{tag}</Filter><ID>b</ID>"));
        assert_eq!(aws, ceph);
        assert_ne!(aws, rule("<ID>b</ID><Filter><Prefix>x/</Prefix></Filter>"));
        assert_ne!(
            rule("<Expiration><Days>1</Days></Expiration>"),
            rule("<Expiration><Days>2</Days></Expiration>")
        );
    }

    #[test]
    fn mig_3_more_than_is_told_is_known_to_be_there() {
        let plain = "<ID>a</ID><Filter><Prefix>t/</Prefix></Filter><Status>Disabled</Status>";
        assert!(!rule(plain).has_more());
        let table = [
            "<Expiration><Date>2030-01-01T00:00:00.000Z</Date></Expiration>",
            "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>",
            "<NoncurrentVersionTransition><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionTransition>",
            "<Transition><Date>2030-01-01T00:00:00Z</Date><StorageClass>X</StorageClass></Transition>",
            "<DelMarkerExpiration><Days>3</Days></DelMarkerExpiration>",
        ];
        for more in table {
            assert!(rule(&format!("{plain}{more}")).has_more(), "{more}");
        }
    }
}
