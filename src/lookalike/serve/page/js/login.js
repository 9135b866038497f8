/** @file The sign-in page works without this script; with it a wrong token is said to be wrong. */

const TRIED = "lookalike-tried";
const form = /** @type {HTMLFormElement} */ (document.querySelector("form"));
const wrong = document.getElementById("wrong");

// A token that was right leads elsewhere: whoever comes back here after trying had a wrong one.
if (sessionStorage.getItem(TRIED)) {
  wrong.textContent = "That is not the token.";
  sessionStorage.removeItem(TRIED);
}
document.getElementById("token").addEventListener("input", () => {
  wrong.textContent = "";
});
form.addEventListener("submit", () => sessionStorage.setItem(TRIED, "yes"));
