// «Включить уведомления на этом устройстве»: asks the browser for a subscription and sends the form with it.
"use strict";
{
  const form = document.getElementById("push");
  if (form && "serviceWorker" in navigator && "PushManager" in window) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const refused = form.querySelector("[role=alert]");
      refused.hidden = true;
      try {
        const worker = await navigator.serviceWorker.register(form.dataset.worker);
        const subscription = await worker.pushManager.subscribe({
          userVisibleOnly: true,
          applicationServerKey: form.dataset.key,
        });
        form.elements.subscription.value = JSON.stringify(subscription);
        form.submit();
      } catch {
        refused.hidden = false;
      }
    });
  }
}
