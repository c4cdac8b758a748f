// Keys: in a chart, up and down go through the runs that are drawn, left and right through the states of the kept one.
let states = [];
let state = -1;

function statesOf(name) {
  const points = rows.points;
  const column = (title) => (Array.isArray(points[title]) ? points[title] : points[title].codes);
  const code = Array.isArray(points.run) ? name : points.run.levels.indexOf(name);
  const [names, steps, clean, robust, ood] = ["run", "step", "clean", "robust", "ood"].map(column);
  const found = [];
  for (let row = 0; row < names.length; row += 1) {
    if (names[row] === code) found.push([steps[row], clean[row], robust[row], ood[row]]);
  }
  return found;
}

function nextRun(by) {
  const drawnRuns = facts.name.filter((_, place) => !view.hidden.has(facts.methods[facts.method[place]]));
  if (!drawnRuns.length) return;
  const place = drawnRuns.indexOf(view.kept);
  const next = place < 0 ? (by > 0 ? 0 : drawnRuns.length - 1) : (place + by + drawnRuns.length) % drawnRuns.length;
  keep(drawnRuns[next]);
}

function nextState(by) {
  if (view.kept === null) nextRun(1);
  if (view.kept === null) return;
  if (state < 0) states = statesOf(view.kept);
  if (!states.length) return;
  state = state < 0 ? (by > 0 ? 0 : states.length - 1) : (state + by + states.length) % states.length;
  here.textContent = stateText(states[state]);
}

watchers.push(() => (state = -1));
const MOVES = {
  ArrowDown: () => nextRun(1),
  ArrowUp: () => nextRun(-1),
  ArrowRight: () => nextState(1),
  ArrowLeft: () => nextState(-1),
};
for (const host of hosts) {
  host.addEventListener("keydown", (event) => {
    if (!(event.key in MOVES) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    MOVES[event.key]();
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  tip.hidden = true;
  if (view.kept !== null) keep(null);
});

const toolbar = document.getElementById("toolbar");
if (toolbar && innerWidth < 700) toolbar.open = false;
readAddress();
