// Loads the client once per page and hands it what the server says; answers before that are kept, the last one counts.
const clients = new Map();
const waiting = new WeakMap();

let can = null;

function webgl() {
  try {
    const context = document.createElement("canvas").getContext("webgl2");
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return Boolean(context);
  } catch {
    return false;
  }
}

export default function (given) {
  const component = { ...given, data: given.data[0] };
  const { parentElement, data } = component;
  can ??= webgl();
  if (!can) {
    component.setStateValue("fault", "webgl");
    return () => {};
  }
  const address = new URL(data.client, document.baseURI).href;
  if (!clients.has(address)) clients.set(address, import(address));
  if (!data.series) { // nothing to show yet
    clients.get(address).then((client) => client.warm(), () => clients.delete(address));
    return () => {};
  }
  const seat = waiting.get(parentElement) ?? { gone: false, client: null };
  waiting.set(parentElement, seat);
  seat.latest = component;
  if (!seat.client && !parentElement.childElementCount) {
    // its place is kept while it comes
    const place = document.createElement("div");
    place.style.cssText = `height:${data.height};min-height:280px;background:#000;border-radius:4px`;
    parentElement.append(place);
  }
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
    // Streamlit 1.67 also ends a call that a newer one overtook before this file was loaded; the place stays then.
    if (parentElement.isConnected) return;
    seat.gone = true;
    seat.client?.dispose(parentElement);
  };
}
