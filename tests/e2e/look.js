// look.js PAGE WIDTH PNG [THEME [SCALE [MEDIA]]] - open a file in headless Chromium, print what was asked for, what is too wide
// and what is too small to read, as JSON, and take a picture. MEDIA print: as it is printed, and how many
// pages of A4 that is. Plain Node: DevTools over a pipe.
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const [page, width, png, theme = 'light', scale = '1', media = ''] = process.argv.slice(2);
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'patto-look-'));
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--remote-debugging-pipe', `--user-data-dir=${profile}`];
const browser = spawn('chromium', flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
const waiting = new Map();
let next = 1;
let session;
let unread = '';
const seen = { requests: 0, errors: [] };

function finish(code) {
    clearTimeout(deadline);
    browser.removeAllListeners('exit');
    // Its helpers may still be writing into the profile.
    const clean = (tries) => {
        try {
            fs.rmSync(profile, { recursive: true, force: true });
        } catch (e) {
            if (tries > 0) return setTimeout(clean, 100, tries - 1);
            throw e;
        }
        process.exit(code);
    };
    browser.once('exit', () => clean(100));
    browser.kill('SIGKILL');
}
const deadline = setTimeout(() => {
    console.error('chromium did not answer within a minute');
    finish(1);
}, 60000);
browser.on('error', (e) => { console.error(`chromium: ${e.message}`); process.exit(1); });
browser.on('exit', () => { console.error('chromium ended by itself'); process.exit(1); });

function send(method, params = {}) {
    const id = next++;
    browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId: session }) + '\0');
    return new Promise((yes, no) => waiting.set(id, { yes, no }));
}
function take(m) {
    if (m.method === 'Network.requestWillBeSent') seen.requests++;
    if (m.method === 'Runtime.exceptionThrown' || m.method === 'Log.entryAdded')
        seen.errors.push(JSON.stringify(m.params).slice(0, 300));
    if (m.method === 'Page.loadEventFired' && loaded) loaded();
    const w = waiting.get(m.id);
    if (!w) return;
    waiting.delete(m.id);
    if (m.error) w.no(new Error(m.error.message));
    else w.yes(m.result);
}
browser.stdio[4].on('data', (bytes) => {
    const parts = (unread + bytes).split('\0');
    unread = parts.pop();
    parts.forEach((p) => take(JSON.parse(p)));
});

// What of the page lies outside the window, other than what scrolls by itself; letters under 7 px.
const LOOK = `(() => {
    const text = [...document.querySelectorAll('svg text')];
    return {
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        svg: document.querySelectorAll('svg').length,
        bars: document.querySelectorAll('svg .bar').length,
        wide: [...document.querySelectorAll('svg, table')].filter((e) =>
            e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length,
        paper: getComputedStyle(document.body).backgroundColor,
        ink: getComputedStyle(document.body).color,
        controls: [...document.querySelectorAll('summary')].filter((e) =>
            e.getBoundingClientRect().height > 0).length,
        small: text.filter((t) => t.getBoundingClientRect().height > 0 &&
                                  t.getBoundingClientRect().height < 7).length,
        outside: text.filter((t) => {
            const box = t.getBoundingClientRect();
            const of = t.ownerSVGElement.getBoundingClientRect();
            return box.right > of.right + 1 || box.left < of.left - 1 || box.bottom > of.bottom + 1;
        }).map((t) => t.textContent),
    };
})()`;
let loaded;

async function look() {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
    ({ sessionId: session } = await send('Target.attachToTarget', { targetId, flatten: true }));
    for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await send(`${domain}.enable`);
    await send('Emulation.setDeviceMetricsOverride',
        { width: Number(width), height: 900, deviceScaleFactor: Number(scale), mobile: false });
    await send('Emulation.setEmulatedMedia',
        { media, features: [{ name: 'prefers-color-scheme', value: theme }] });
    const ready = new Promise((yes) => { loaded = yes; });
    await send('Page.navigate', { url: `file://${path.resolve(page)}` });
    await ready;
    // A picture to be compared has one font, whatever else is installed.
    if (process.argv.length > 5)
        await send('Runtime.evaluate', { expression: `(() => {
            const style = document.createElement('style');
            style.textContent = '* { font-family: "DejaVu Sans", sans-serif !important }';
            document.head.append(style);
        })()` });
    const { result } = await send('Runtime.evaluate', { expression: LOOK, returnByValue: true });
    if (media === 'print') {
        const pdf = await send('Page.printToPDF', { paperWidth: 8.27, paperHeight: 11.69 });
        const bytes = Buffer.from(pdf.data, 'base64').toString('latin1');
        if (!bytes.startsWith('%PDF-')) throw new Error('chromium printed no PDF');
        seen.pages = (bytes.match(/\/Type\s*\/Page\b/g) || []).length;
        fs.writeFileSync(`${png}.pdf`, bytes, 'latin1');
    }
    const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: true });
    fs.writeFileSync(png, Buffer.from(data, 'base64'));
    console.log(JSON.stringify({ ...seen, ...result.value }));
}
look().then(() => finish(0), (e) => { console.error(e.message); finish(1); });
