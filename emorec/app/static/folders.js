// The files of folders that are chosen or dropped, with their paths inside.

/** Files as {path, file}; `name` is that of the folder, "" without one. */
export function chosenFiles(files) {
  const paths = files.map(file => file.webkitRelativePath || file.name);
  return insideFolder(paths.map((path, index) => ({ path, file: files[index] })), files.some(file => file.webkitRelativePath));
}

/** The same of what is dropped; folders are searched. */
export async function droppedFiles(transfer) {
  // Entries are there during the event only.
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...transfer.files];
  if (!entries.some(entry => entry.isDirectory)) return chosenFiles(files);
  const found = [];
  for (const entry of entries) await search(entry, "", found);
  return insideFolder(found, entries.length === 1);
}

/** Of a single folder, the paths begin in it. */
function insideFolder(files, single) {
  if (!single || !files.length) return { name: "", files };
  const [name] = files[0].path.split("/", 1);
  return { name, files: files.map(({ path, file }) => ({ path: path.slice(name.length + 1), file })) };
}

async function search(entry, before, found) {
  const path = before + entry.name;
  if (entry.isFile) {
    found.push({ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // Browsers return a part of a large folder at a time.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const each of some) await search(each, `${path}/`, found);
  }
}
