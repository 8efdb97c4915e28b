-- No screen but where text is measured.
function love.conf(t)
  t.identity = "reprieve-engines"
  for _, module in ipairs { "audio", "joystick", "physics", "sound", "touch", "video" } do t.modules[module] = false end
  for _, word in ipairs(arg) do
    if word == "widths" then return end
  end
  t.modules.window, t.modules.graphics, t.modules.font, t.modules.image = false, false, false, false
end
