// Starts the live page: reads its data and fills the element that the file leaves empty.

/**
 * Return the value of a JSON element of the page.
 * @param {string} name
 * @returns {any}
 */
export function data(name) {
  return JSON.parse(document.getElementById("chainrule-" + name)?.textContent ?? "null");
}

/**
 * Fill the element of the live page and show it.
 * @param {HTMLElement} place
 */
export function mount(place) {
  const line = document.createElement("p");
  const { title, fault } = data("model");
  line.textContent = fault ? "This page cannot be live: " + fault : "Live: " + title;
  place.append(line);
  place.hidden = false;
}

const place = document.getElementById("chainrule-instrument");
if (place) mount(place);
