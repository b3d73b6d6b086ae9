// Loads the client once per page and hands it what the server says; answers before that are kept, the last one counts.
const clients = new Map();
const waiting = new WeakMap();

export default function (component) {
  const { parentElement, data } = component;
  const address = new URL(data.client, document.baseURI).href;
  const seat = waiting.get(parentElement) ?? { gone: false, client: null };
  waiting.set(parentElement, seat);
  seat.latest = component;
  if (!clients.has(address)) clients.set(address, import(address));
  clients.get(address).then(
    (client) => {
      if (seat.gone || seat.latest !== component) return;
      seat.client = client;
      client.update(component);
    },
    () => {
      clients.delete(address);
      if (!seat.gone) parentElement.textContent = "The viewer could not be loaded: reload the page.";
    },
  );
  return () => {
    seat.gone = true;
    seat.client?.dispose(parentElement);
  };
}
