"use strict";
// "/" goes to the search, as on many sites; nothing else needs a script.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.getElementById("search").focus();
  }
});
// In the SQL console Ctrl+Enter runs the statement.
const statement = document.getElementById("statement");
if (statement) statement.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) statement.form.requestSubmit();
});
