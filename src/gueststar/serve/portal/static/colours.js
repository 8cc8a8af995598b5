// Colour maps of stamps: grey, and matplotlib's perceptual ones (public domain, CC0) as 17 colours each, drawn straight between.

const ANCHORS = {
  grey: "000000ffffff",
  viridis: "44015448186a472d7b4240863b528b33638d2c728e26828e21918c1fa08828ae803fbc735ec96284d44baddc30d8e219fde725",
  inferno: "0000040b0724210c4a3d096557106e71196e8a226aa32c61bc3754d24644e45a31f1731df98e09fcac11f9cb35f2ea69fcffa4",
  magma: "0000040a08221d114736106b51127c6a1c818326819c2e7fb73779d0416fe75263f56b5cfc8961fea772fec488fde2a3fcfdbf",
  cividis: "00224e002e6a1a386f32436d434e6c535a6d61656f6f70737d7c788c88789b9476aba072bcae6ccdbb63dec958f0d846fee838",
};
export const COLOURS = Object.keys(ANCHORS);

const tables = new Map();

/** 256 colours of a map, three bytes each. */
export function colours(name) {
  if (!tables.has(name)) tables.set(name, between(ANCHORS[name] ?? ANCHORS.grey));
  return tables.get(name);
}

function between(text) {
  const anchors = text.match(/.{6}/g).map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const table = new Uint8ClampedArray(3 * 256);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (anchors.length - 1), left = Math.min(anchors.length - 2, Math.floor(place));
    for (let k = 0; k < 3; k++) table[3 * i + k] = anchors[left][k] + (place - left) * (anchors[left + 1][k] - anchors[left][k]);
  }
  return table;
}
