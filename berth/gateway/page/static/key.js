// The dialog for the API key.

import { keepKey, readKey } from "./call.js";
import { byId } from "./dom.js";

/** Asks for a key, and goes on with it once there is one. */
export function askForKey(why, goOn) {
  const dialog = byId("key-dialog");
  const input = byId("key-value");
  if (why) byId("key-why").textContent = why;
  input.value = readKey();
  dialog.onclose = () => {
    if (input.value !== readKey()) {
      keepKey(input.value.trim());
      goOn();
    }
  };
  if (!dialog.open) dialog.showModal();
}
