import sys,glob,os,time
sys.path.insert(0,'/tmp/w/pp/src')
from lampway.platforms.powerplatform.contents import read_package
from lampway.platforms.powerplatform.content import *
D='/work/shared/data/power-platform/'
def fp(f):
    x=read_package(open(D+f,'rb').read())
    return {(p.type,p.id):component_of(read_content(x,p)) for p in x.parts}
for u in sorted(glob.glob(D+'*_unmanaged.zip')):
    u=os.path.basename(u); m=u.replace('_unmanaged','_managed')
    t=time.perf_counter(); a=fp(u); print(u, len(a), round((time.perf_counter()-t)*1000),'ms')
    if os.path.exists(D+m):
        b=fp(m); print('   pair', [k for k in a.keys()|b.keys() if a.get(k)!=b.get(k)])
