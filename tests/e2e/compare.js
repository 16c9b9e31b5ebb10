// compare.js A.png B.png - mean and largest difference of two pictures, 0..255, as JSON. Blocks of 8 by 8
// pixels are compared by their mean: a letter may move by a pixel, a figure may not be another.
'use strict';
const fs = require('fs');
const zlib = require('zlib');

// RGB or RGBA, 8 bits, not interlaced: what Chromium writes (PNG, W3C 2003, 9.2).
function read(file) {
    const b = fs.readFileSync(file);
    const data = [];
    let header;
    for (let at = 8; at < b.length; at += 12 + b.readUInt32BE(at)) {
        const type = b.toString('latin1', at + 4, at + 8);
        const body = b.subarray(at + 8, at + 8 + b.readUInt32BE(at));
        if (type === 'IHDR') header = body;
        if (type === 'IDAT') data.push(body);
    }
    const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
    const step = { 2: 3, 6: 4 }[header[9]];
    if (header[8] !== 8 || !step || header[12] !== 0) throw new Error(`${file}: another kind of PNG`);
    const raw = zlib.inflateSync(Buffer.concat(data));
    const row = width * step;
    const pixels = Buffer.alloc(row * height);
    for (let y = 0; y < height; y++) {
        const filter = raw[y * (row + 1)];
        for (let x = 0; x < row; x++) {
            const left = x >= step ? pixels[y * row + x - step] : 0;
            const up = y > 0 ? pixels[(y - 1) * row + x] : 0;
            const corner = x >= step && y > 0 ? pixels[(y - 1) * row + x - step] : 0;
            const p = left + up - corner;
            const [dl, du, dc] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
            const paeth = dl <= du && dl <= dc ? left : du <= dc ? up : corner;
            const guess = [0, left, up, (left + up) >> 1, paeth][filter];
            pixels[y * row + x] = (raw[y * (row + 1) + 1 + x] + guess) & 255;
        }
    }
    return { width, height, step, pixels };
}

const [a, b] = process.argv.slice(2).map(read);
if (a.width !== b.width || a.height !== b.height) {
    console.log(JSON.stringify({ same_size: false, a: [a.width, a.height], b: [b.width, b.height] }));
    process.exit(0);
}
const BLOCK = 8;
let sum = 0;
let count = 0;
let most = 0;
for (let y = 0; y < a.height; y += BLOCK)
    for (let x = 0; x < a.width; x += BLOCK) {
        const mean = [a, b].map((image) => {
            let total = 0;
            let n = 0;
            for (let j = y; j < Math.min(y + BLOCK, image.height); j++)
                for (let i = x; i < Math.min(x + BLOCK, image.width); i++)
                    for (let c = 0; c < 3; c++, n++)
                        total += image.pixels[(j * image.width + i) * image.step + c];
            return total / n;
        });
        const difference = Math.abs(mean[0] - mean[1]);
        sum += difference;
        count++;
        most = Math.max(most, difference);
    }
console.log(JSON.stringify({ same_size: true, mean: sum / count, most }));
