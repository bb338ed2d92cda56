// The dialog for the API key.

import { keepKey, readKey } from "./call.js";
import { byId } from "./dom.js";

const WANTED = "This server answers only with a key. It is kept in this tab until you close it.";
const REFUSED = "The server refused this key, so it is forgotten. Try another: it is kept in this tab until you close it.";

/** Asks for a key, and goes on with it once there is one; a key that the server has refused is forgotten. */
export function askForKey(goOn, { isRefused = false } = {}) {
  const dialog = byId("key-dialog");
  const input = byId("key-value");
  byId("key-why").textContent = isRefused && readKey() ? REFUSED : WANTED;
  if (isRefused) keepKey("");
  input.value = readKey();
  dialog.returnValue = "";
  dialog.onclose = () => {
    if (dialog.returnValue === "use" && input.value !== readKey()) {
      keepKey(input.value.trim());
      goOn();
    }
  };
  if (!dialog.open) dialog.showModal();
}
