"use strict";
const tree = document.getElementById("tree"), view = document.getElementById("view");
const find = document.getElementById("find"), found = document.getElementById("found");
const groups = Array.from(tree.querySelectorAll("g[data-name]"));
const names = groups.map((group) => group.dataset.name.toLowerCase());
const width = tree.width.baseVal.value, height = tree.height.baseVal.value;
let scale = 1, hits = [];

function zoom(factor) {
  const before = scale;
  scale = Math.min(4, Math.max(0.05, scale * factor));
  tree.setAttribute("width", width * scale);
  tree.setAttribute("height", height * scale);
  const grown = scale / before;
  view.scrollLeft *= grown;
  view.scrollTop = (view.scrollTop + view.clientHeight / 2) * grown - view.clientHeight / 2;
}

function search() {
  const wanted = find.value.trim().toLowerCase();
  for (const group of hits) group.classList.remove("hit");
  hits = wanted ? groups.filter((_, place) => names[place].includes(wanted)) : [];
  for (const group of hits) group.classList.add("hit");
  found.textContent = wanted ? hits.length + " found" : "";
  const first = hits.find((group) => group.id) || hits[0];
  if (first) {
    const text = first.querySelector("text");
    view.scrollTop = text.getAttribute("y") * scale - view.clientHeight / 2;
    view.scrollLeft = text.getAttribute("x") * scale - view.clientWidth / 2;
  }
}

document.getElementById("larger").addEventListener("click", () => zoom(1.25));
document.getElementById("smaller").addEventListener("click", () => zoom(0.8));
find.addEventListener("input", search);
view.addEventListener("wheel", (event) => {
  if (event.ctrlKey) {
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }
}, { passive: false });
