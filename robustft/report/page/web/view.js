// The view: which methods are drawn and which run is kept. It lives in the address, so a link shows what was seen.
const { facts, charts, rows } = await unpacked(document.getElementById("data").textContent);
const placeOfRun = new Map(facts.name.map((name, place) => [name, place]));
const view = { hidden: new Set(), kept: null, turn: 0 };
const watchers = [];
const boxes = [...document.querySelectorAll('input[name="method"]')];

document.documentElement.classList.add("scripted");

function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
}

function shown() {
  return facts.methods.filter((name) => !view.hidden.has(name));
}

function changeView(change) {
  Object.assign(view, change);
  const address = new URLSearchParams();
  for (const name of view.hidden) address.append("hide", name);
  if (view.kept !== null) address.set("run", view.kept);
  const text = address.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  showView();
}

function keep(name) {
  changeView({ kept: placeOfRun.has(name) ? name : null });
}

function readAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  const known = new Set(facts.methods);
  view.hidden = new Set(address.getAll("hide").filter((name) => known.has(name)));
  view.kept = placeOfRun.has(address.get("run")) ? address.get("run") : null;
  showView();
}

function showView() {
  view.turn += 1;
  for (const box of boxes) box.checked = !view.hidden.has(facts.methods[box.value]);
  const state = document.getElementById("toolbar-state");
  if (state) {
    const drawn = shown().length === facts.methods.length ? "all" : `${shown().length} of ${facts.methods.length}`;
    state.textContent = `(${drawn} drawn${view.kept === null ? "" : "; one run kept"})`;
  }
  for (const watch of watchers) watch();
}

document.getElementById("view")?.addEventListener("change", (event) => {
  if (event.target.name !== "method") return;
  changeView({ hidden: new Set(facts.methods.filter((_, place) => !boxes[place].checked)) });
});
for (const button of document.querySelectorAll("[data-boxes]")) {
  button.addEventListener("click", () => {
    changeView({ hidden: new Set(button.dataset.boxes === "all" ? [] : facts.methods) });
  });
}
document.getElementById("view")?.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", () => {
  if (!document.getElementById(location.hash.slice(1))) readAddress();
});

// Links within the page scroll there and leave the view in the address alone.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  const target = link && document.getElementById(link.getAttribute("href").slice(1));
  if (!target) return;
  event.preventDefault();
  target.scrollIntoView();
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
});
