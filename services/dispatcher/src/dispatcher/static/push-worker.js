// Shows what was pushed: {title, body, url, tag}. A second delivery of the same message has the same tag and
// replaces the first one; a click opens the family's page.
"use strict";
self.addEventListener("push", (event) => {
  const said = event.data.json();
  event.waitUntil(
    self.registration.showNotification(said.title, { body: said.body, tag: said.tag, data: { url: said.url } }),
  );
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data.url));
});
