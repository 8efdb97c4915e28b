-- No screen, no sound: what is left runs anywhere.
function love.conf(t)
  t.identity = "reprieve-test"
  t.window = false
  for _, module in ipairs { "audio", "font", "graphics", "image", "joystick", "keyboard", "mouse", "physics", "sound", "touch", "video", "window" } do
    t.modules[module] = false
  end
end
