//! Chromium.

use crate::harness::chromium::Chromium;
use crate::harness::place::Folder;

#[test]
fn chromium_opens_clicks_pictures_and_complains() {
    let folder = Folder::new("pages");
    let second = folder.write("second.html", "<p id=there>arrived</p>");
    let page = folder.write(
        "page.html",
        &format!(
            "<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">\
             <h1>Bailiwick</h1><a href=\"{}\">on</a><script>document.title = 'never'</script>",
            second.display()
        ),
    );
    let mut chromium = Chromium::start();
    chromium.open(&format!("file://{}", page.display()));
    assert!(chromium.text().contains("Bailiwick"));
    let complaints = chromium.complaints();
    assert!(complaints.iter().any(|c| c.contains("Content Security Policy")), "{complaints:?}");

    let picture = folder.file("page.png");
    chromium.screenshot(&picture);
    let png = std::fs::read(&picture).unwrap();
    assert_eq!(png.get(..8), Some(&b"\x89PNG\r\n\x1a\n"[..]));
    // Width and height stand at bytes 16 to 24 of a PNG.
    assert_eq!(png.get(16..24), Some(&[0, 0, 5, 0, 0, 0, 3, 32][..]), "1280 by 800");

    chromium.click("a");
    chromium.wait_until("document.querySelector('#there')");
    assert!(chromium.dom().contains("arrived"));
    assert_eq!(chromium.complaints(), Vec::<String>::new());
    assert_eq!(chromium.evaluate("1 + 1"), 2);
}
