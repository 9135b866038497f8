/** @file The sign-in page works without this script; with it a wrong token is said at once. */

const form = /** @type {HTMLFormElement} */ (document.getElementById("form"));
const wrong = document.getElementById("wrong");
const field = /** @type {HTMLInputElement} */ (document.getElementById("token"));

if (new URLSearchParams(location.search).has("wrong")) {
  wrong.textContent = "That is not the token. It is printed where the server was started.";
}
field.addEventListener("input", () => {
  wrong.textContent = "";
});
form.addEventListener("submit", () => {
  form.querySelector("button").disabled = true;
});
