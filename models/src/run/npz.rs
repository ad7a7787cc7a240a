//! NumPy's archives: several named arrays in a zip file, as `np.savez` writes and `np.load` reads them.

use super::npy::{self, Array, Error};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Largest size of one array, unpacked.
const MAX_ARRAY_BYTES: u64 = 1 << 30;

/// Reads all arrays, by name.
pub fn read(path: &Path) -> Result<BTreeMap<String, Array>, Error> {
    let at = |source: io::Error| Error::Io { path: path.display().to_string(), source };
    let mut archive = ZipArchive::new(BufReader::new(File::open(path).map_err(at)?)).map_err(|e| at(e.into()))?;
    let mut arrays = BTreeMap::new();
    for i in 0..archive.len() {
        let entry = archive.by_index(i).map_err(|e| at(e.into()))?;
        let name = entry.name().map_err(|e| at(e.into()))?.trim_end_matches(".npy").to_owned();
        let mut bytes = vec![];
        entry.take(MAX_ARRAY_BYTES).read_to_end(&mut bytes).map_err(at)?;
        let array = npy::parse(&format!("{}: {name}", path.display()), &bytes)?;
        arrays.insert(name, array);
    }
    Ok(arrays)
}

/// Writes arrays, not compressed, under names that must differ.
pub fn write(to: impl Write + Seek, arrays: &BTreeMap<String, Array>) -> io::Result<()> {
    let mut archive = ZipWriter::new(to);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), options)?;
        npy::write(&mut archive, array)?;
    }
    archive.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::DType;

    #[test]
    fn what_is_written_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let array = |data: &[u8]| Array { shape: vec![data.len()], dtype: DType::I8, data: data.to_vec() };
        let arrays = BTreeMap::from([("a/b:0".into(), array(&[1, 2, 3])), ("c".into(), array(&[]))]);
        write(file.reopen().unwrap(), &arrays).unwrap();
        assert_eq!(read(file.path()).unwrap(), arrays);
    }
}
