function love.conf(t)
  t.identity = "outpost"
  t.window.title, t.window.width, t.window.height, t.window.msaa = "Outpost", 640, 360, 4
  t.modules.audio, t.modules.joystick, t.modules.physics, t.modules.sound, t.modules.video = false, false, false, false, false
  for _, word in ipairs(arg) do
    if word == "--record" then                     -- no screen is needed
      t.modules.window, t.modules.graphics = false, false
    end
  end
end
