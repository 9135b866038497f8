/** @file Taking a photograph with the camera of a computer. */

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @returns {Promise<File | null>} what was photographed; null where it was left be */
export async function openCamera() {
  const video = h("video", { autoplay: true, playsinline: true, ".muted": true, "aria-label": "What the camera sees" });
  const shutter = h("button", { class: "button primary", type: "button", disabled: true }, icon("camera"), "Take the photo");
  const words = h("p", { class: "muted", role: "status" }, "Waiting for the camera …");
  const dialog = openDialog("Photograph", [h("div", { class: "viewfinder" }, video), words, h("p", { class: "dialog-acts" }, shutter)], "camera");
  /** @type {MediaStream | null} */
  let stream = null;
  const ended = new Promise((resolve) => dialog.addEventListener("close", () => resolve(null), { once: true }));
  const taken = new Promise((resolve) => shutter.addEventListener("click", () => resolve(shot(/** @type {HTMLVideoElement} */ (video)))));
  try {
    const opened = navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    stream = await Promise.race([opened, ended]);
    if (!stream) {
      // Whoever allows it after leaving must not leave it on.
      opened.then(halt, () => {});
      return null;
    }
    video.srcObject = stream;
    await video.play();
    words.textContent = "Hold the thing in front of the camera.";
    shutter.disabled = false;
    shutter.focus();
  } catch {
    words.textContent = "No camera can be used here: there is none, or the browser was told not to. Choose a picture instead.";
  }
  const file = await Promise.race([taken, ended]);
  halt(stream);
  dialog.close();
  return /** @type {File | null} */ (file);
}

/** @param {MediaStream | null} stream */
const halt = (stream) => stream?.getTracks().forEach((track) => track.stop());

/** @param {HTMLVideoElement} video @returns {Promise<File | null>} */
async function shot(video) {
  const canvas = /** @type {HTMLCanvasElement} */ (h("canvas"));
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  return blob ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : null;
}
