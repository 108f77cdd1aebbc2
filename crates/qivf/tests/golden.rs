//! Bytes on disk are frozen: a change here needs a new format version and a REINDEX.

mod model;

use model::{build, tid};
use qivf::insert::{InsertState, insert};
use qivf::layout::{self, PageKind};
use qivf::store::PageStore;
use qivf::{Element, Index, Metric, Value};

/// FNV-1a over all payloads.
fn fingerprint(store: &impl PageStore) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for block in 0..store.block_count().unwrap() {
        store
            .read(block, |page| {
                for byte in (page.len() as u32).to_le_bytes().iter().chain(page) {
                    hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
                }
                Ok(())
            })
            .unwrap();
    }
    hash
}

/// Inserts a few rows into an index built empty, where nothing depends on clustering.
fn fixture(element: Element, metric: Metric) -> u64 {
    let store = build(element, metric, 0, &[]);
    let mut index = Index::open(&store).unwrap();
    let mut state = InsertState::new(0);
    for id in 0..40u32 {
        let at = |i: u32| (id * 31 + i * 17) % 251;
        let floats: Vec<f32> = (0..21).map(|i| at(i) as f32 / 16.0 - 7.0).collect();
        let signed: Vec<i8> = (0..21).map(|i| at(i) as u8 as i8).collect();
        let unsigned: Vec<u8> = (0..21).map(|i| at(i) as u8).collect();
        let bits: Vec<u8> = vec![at(0) as u8, at(1) as u8, at(2) as u8 & 0xf8];
        let value = match element {
            Element::Float => Value::Float(&floats),
            Element::Int8 => Value::Int8(&signed),
            Element::UInt8 => Value::UInt8(&unsigned),
            Element::Binary => Value::Binary(&bits, 21),
        };
        insert(
            &mut index,
            &mut state,
            tid(id),
            (id % 13 != 12).then_some(&value),
        )
        .unwrap();
    }
    fingerprint(&store)
}

#[test]
fn pages_are_frozen() {
    let found: Vec<u64> = [
        (Element::Float, Metric::L2),
        (Element::Float, Metric::InnerProduct),
        (Element::Float, Metric::Cosine),
        (Element::Int8, Metric::L2),
        (Element::UInt8, Metric::Cosine),
        (Element::Binary, Metric::Hamming),
    ]
    .map(|(element, metric)| fixture(element, metric))
    .to_vec();
    assert_eq!(found, GOLDEN);
}

const GOLDEN: [u64; 6] = [
    2189442684226635709,
    10275707893442231796,
    8506860723799937838,
    4180891366116250963,
    11936130250245632682,
    15417131443631769544,
];

#[test]
fn headers_are_frozen() {
    let expected = [
        3, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0,
    ];
    assert_eq!(layout::header(PageKind::Refine), expected);
    let meta = Index::open(&build(Element::Float, Metric::Cosine, 0, &[]))
        .unwrap()
        .meta()
        .encode();
    let start = [
        1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, // header
        b'q', b'I', b'V', b'F', 3, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
        0, // magic, format, element, metric, dim, class
        0x65, 0x65, 0x73, 0x2d, 0x66, 0x76, 0x69, 0x71, // seed
    ];
    assert_eq!(meta[..start.len()], start);
    assert_eq!(meta.len(), 144 + 4 + 4 * 7 + 4 * 4 * 18 * 14);
}

#[test]
fn other_formats_are_refused() {
    for format in [2, 4] {
        let store = build(Element::Float, Metric::Cosine, 0, &[]);
        store.tamper(0, |page| page[20] = format);
        let error = Index::open(&store).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("not a qivf index of this version: format version {format}")
        );
        assert_eq!(error.hint(), Some("REINDEX the index."));
    }
}
