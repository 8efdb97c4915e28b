-- No screen, no sound: the frame's share is ours alone.
function love.conf(t)
  t.identity = "reprieve-frames"
  for _, module in ipairs { "audio", "font", "graphics", "image", "joystick", "keyboard", "mouse", "physics", "sound", "touch", "video", "window" } do
    t.modules[module] = false
  end
end
