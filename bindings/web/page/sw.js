// Keeps the page's files, so that it opens without a connection; models are kept by the package. VERSION and FILES are filled in when
// the page is built.

const VERSION = "";
const FILES = [];

const NAME = `bitspike-page-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const store = await caches.open(NAME);
    // Past the browser's own cache: a file of an older build among those of this one would break the page.
    await store.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith("bitspike-page-") && name !== NAME);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== self.location.origin) return;
  event.respondWith((async () => {
    const kept = await (await caches.open(NAME)).match(event.request, { ignoreSearch: true });
    return kept ?? fetch(event.request);
  })());
});
